import { argmax } from "../core/argmax";
import { UserError } from "../core/errors";
import { logGamma } from "../core/log-gamma";
import { questionRanges, reachChances } from "../data/decision-tree";
import { selectVotes, type VotePredictions } from "../evaluate/vote-predictions";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain, textWidth } from "./text";
import { type FigureOptions, layoutOf, PAGE, SMALL_TEXT, themeOf } from "./theme";

/** A galaxy whose votes are predicted. */
export interface PosteriorGalaxy {
  /** Predictions with strengths. */
  readonly table: VotePredictions;
  /** Row of the galaxy in the table. */
  readonly row: number;
  /** Its picture as a data URI, see `pictureUris`. Default: none. */
  readonly uri?: string;
}

/** How {@link votePosterior} is drawn. */
export interface VotePosteriorOptions extends FigureOptions {
  /** How many questions are drawn: those that most volunteers reach. Default 5. */
  readonly questions?: number;
}

/** Points of a curve. */
const POINTS = 101;

/** Margins, pixels. */
const [LEFT, RIGHT] = [28, 10];

/** The name of a curve, at its peak. */
interface Label {
  readonly name: string;
  readonly color: string;
  readonly x: number;
  readonly y: number;
}

/** Height of a label, pixels. */
const LINE = 13;

/** Whether a label stands on the left of its peak. */
const isRight = (x: number) => x > 0.6;

/**
 * Labels that would cover each other go below each other, the highest first.
 *
 * @param size Width and height of the plot, pixels.
 * @returns each with how far it goes down, pixels
 */
function apart(
  labels: readonly Label[],
  [width, height]: readonly [number, number],
): (Label & { readonly down: number })[] {
  const highest = Math.max(...labels.map(({ y }) => y));
  const placed: { readonly left: number; readonly right: number; readonly top: number }[] = [];
  return [...labels]
    .sort((a, b) => b.y - a.y)
    .map((label) => {
      const wide = textWidth(label.name, SMALL_TEXT) + 6;
      const left = label.x * width - (isRight(label.x) ? wide : 0);
      const wanted = height * (1 - label.y / highest);
      const others = placed.filter((box) => box.left < left + wide && left < box.right);
      let top = wanted;
      for (const other of others.sort((a, b) => a.top - b.top))
        if (Math.abs(other.top - top) < LINE) top = other.top + LINE;
      placed.push({ left, right: left + wide, top });
      return { ...label, down: top - wanted };
    });
}

/**
 * What a network believes of the votes about one galaxy: for each answer the density of its fraction
 * (the Beta distribution that a Dirichlet distribution gives it), with what the volunteers said as
 * dots, beside the picture.
 *
 * @throws UserError where the table has no strengths
 */
export function votePosterior(
  { table, row, uri }: PosteriorGalaxy,
  { questions: wanted = 5, ...options }: VotePosteriorOptions = {},
): Figure {
  const theme = themeOf(options);
  const { questions, values, truth, strengths, ids } = selectVotes(table, [row]);
  if (strengths === undefined) {
    throw new UserError(
      "the predictions say fractions only, and not how sure they are",
      "learn with train.loss.name dirichletMultinomial",
    );
  }
  const chances = reachChances(questions, values);
  const shown = questionRanges(questions)
    .map((range, q) => ({ ...range, q }))
    .sort((a, b) => chances[b.q] - chances[a.q])
    .slice(0, wanted)
    .sort((a, b) => a.q - b.q);
  const first = uri === undefined ? 0 : 1;
  const count = shown.length + first;
  const columns = Math.min(count, 3);
  const rows = Math.ceil(count / columns);
  const side = 150;
  const [top, bottom, gap] = [22, 42, 76];
  const height = rows * side + (rows - 1) * gap;
  const grid = facets(count, columns, 0.07, gap / height);
  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  const annotations: object[] = [];
  const title = (text: string, { x, y }: (typeof grid)[number]) => ({
    text,
    showarrow: false,
    ...{ xref: "paper", x: (x[0] + x[1]) / 2, xanchor: "center" },
    ...{ yref: "paper", y: y[1], yanchor: "bottom" },
  });
  for (const [i, { question, from, to, q }] of shown.entries()) {
    const facet = grid[i + first];
    annotations.push(title(plain(question.name), facet));
    Object.assign(
      axes,
      facet.axes(
        theme,
        { title: "Fraction", outer: true, range: [0, 1], showticklabels: true },
        { title: "Density", outer: true, rangemode: "tozero", showticklabels: false, ticks: "" },
      ),
    );
    const labels: Label[] = [];
    for (let a = from; a < to; a++) {
      const color = theme.palette[(a - from) % theme.palette.length];
      const name = plain(question.answers[a - from].replace(`${question.name}_`, ""));
      const alpha = Math.max(values[a] * strengths[q], 1e-3);
      const curve = betaDensity(alpha, Math.max(strengths[q] - alpha, 1e-3));
      data.push({
        type: "scatter",
        mode: "lines",
        ...facet.ref,
        ...curve,
        name,
        line: { color, width: 1.5 },
        hovertemplate: `${name}: %{x:.2f}<extra></extra>`,
      });
      const most = argmax(curve.y);
      labels.push({ name, color, x: curve.x[most], y: curve.y[most] });
      if (Number.isNaN(truth[a])) continue;
      data.push({
        type: "scatter",
        mode: "markers",
        ...facet.ref,
        x: [truth[a]],
        y: [0],
        marker: { color, size: 8, line: { color: theme.ink, width: 1 } },
        cliponaxis: false,
        hovertemplate: `${name}: volunteers %{x:.2f}<extra></extra>`,
      });
    }
    const width = (facet.x[1] - facet.x[0]) * (PAGE - LEFT - RIGHT);
    for (const { name, color, x, y, down } of apart(labels, [width, side])) {
      annotations.push({
        text: name,
        showarrow: false,
        xref: facet.ref.xaxis,
        yref: facet.ref.yaxis,
        ...{ x, y, yshift: 0 - down },
        xanchor: isRight(x) ? "right" : "left",
        yanchor: "bottom",
        font: { size: SMALL_TEXT, color },
      });
    }
  }
  const images: object[] = [];
  if (uri !== undefined) {
    const { x, y } = grid[0];
    const none = { visible: false, fixedrange: true };
    Object.assign(axes, { xaxis: { ...none, domain: x }, yaxis: { ...none, domain: y } });
    annotations.push(title(plain(ids[0]), grid[0]));
    images.push({
      ...{ source: uri, xref: "paper", yref: "paper", sizing: "contain" },
      ...{ x: (x[0] + x[1]) / 2, y: y[1], sizex: x[1] - x[0], sizey: y[1] - y[0] },
      xanchor: "center",
    });
  }
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width: PAGE,
        height: height + top + bottom,
        margin: { l: LEFT, r: RIGHT, t: top, b: bottom },
      },
      { ...axes, annotations, images },
    ),
  };
}

/** The density of a Beta distribution between 0 and 1. */
function betaDensity(alpha: number, beta: number): { x: number[]; y: number[] } {
  const norm = logGamma(alpha + beta) - logGamma(alpha) - logGamma(beta);
  // Middles of steps: a density may be infinite at the ends.
  const x = Array.from({ length: POINTS }, (_, i) => (i + 0.5) / POINTS);
  const y = x.map((t) => Math.exp(norm + (alpha - 1) * Math.log(t) + (beta - 1) * Math.log(1 - t)));
  return { x, y };
}
