import { alignVotes, regressionScores, type VoteFractions } from "../evaluate/votes";
import { diagonal } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { plain } from "./text";
import {
  COLUMN,
  type FigureOptions,
  interpolateColor,
  layoutOf,
  PAGE,
  SMALL_TEXT,
  themeOf,
} from "./theme";

/** Vote fractions to be compared; galaxies are matched by id, answers by name. */
export interface ComparedVotes {
  /** What a model says. */
  readonly predicted: VoteFractions;
  /** What volunteers said. */
  readonly truth: VoteFractions;
}

/** How {@link hexBins} is drawn. */
export interface HexBinsOptions extends FigureOptions {
  /** Answers to draw, a panel each. Default: all. */
  readonly answers?: readonly string[];
  /** Hexagons across a panel. Default: 24. */
  readonly across?: number;
}

const LEVELS = 8;

/**
 * True against predicted vote fractions, a panel an answer, counted in hexagons (Carr et al. 1987) on
 * a logarithmic scale, with correlation and mean absolute error. Answers the correlation plots of
 * Galaxy Zoo regressions (Walmsley et al. 2020, 2022).
 */
export function hexBins(
  { predicted, truth }: ComparedVotes,
  { answers = predicted.answers, across = 24, ...options }: HexBinsOptions = {},
): Figure {
  const theme = themeOf(options);
  const aligned = alignVotes(predicted, truth);
  const k = predicted.answers.length;
  const columns = Math.min(answers.length, answers.length <= 4 ? 2 : 4);
  const width = columns > 2 ? PAGE : COLUMN;
  const [left, right, top, bottom] = [46, 8, 20, 42];
  const gap = 12;
  const side = (width - left - right - gap * (columns - 1)) / columns;
  const rows = Math.ceil(answers.length / columns);
  const plotHeight = rows * side + (rows - 1) * (gap + 18);
  const grid = facets(
    answers.length,
    columns,
    gap / (width - left - right),
    (gap + 18) / plotHeight,
  );

  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  const annotations: object[] = [];
  answers.forEach((answer, i) => {
    const a = predicted.answers.indexOf(answer);
    const pick = (values: Float64Array) => values.filter((_, at) => at % k === a);
    const [t, p] = [pick(aligned), pick(predicted.values)];
    const { ref } = grid[i];
    const counts = countHexagons(t, p, across);
    const most = Math.max(...counts.map(({ n }) => n), 1);
    for (let level = 0; level < LEVELS; level++) {
      const members = counts.filter(({ n }) => levelOf(n, most) === level);
      if (members.length === 0) continue;
      const outline = members.flatMap((hexagon) => hexagonOutline(hexagon, across));
      data.push({
        type: "scatter",
        mode: "lines",
        x: outline.map((corner) => corner?.[0] ?? null),
        y: outline.map((corner) => corner?.[1] ?? null),
        ...ref,
        fill: "toself",
        fillcolor: interpolateColor(theme.sequential, (level + 1) / LEVELS),
        line: { width: 0, color: "rgba(0,0,0,0)" },
        hoverinfo: "skip",
      });
    }
    data.push({
      type: "scatter",
      mode: "markers",
      x: counts.map(({ x }) => x),
      y: counts.map(({ y }) => y),
      ...ref,
      customdata: counts.map(({ n }) => n),
      hovertemplate: "true %{x:.2f}, predicted %{y:.2f}<br>%{customdata} galaxies<extra></extra>",
      marker: { opacity: 0, size: side / across },
    });
    data.push(diagonal(theme, ref));
    const { correlation, mae } = regressionScores(t, p);
    const note = { showarrow: false, xref: ref.xaxis, yref: ref.yaxis, borderpad: 0 };
    annotations.push(
      { ...note, text: plain(answer), x: 0.5, y: 1.02, yanchor: "bottom" },
      {
        ...note,
        text: `r = ${correlation.toFixed(3)}<br>MAE ${mae.toFixed(3)}`,
        x: 0.02,
        y: 0.98,
        xanchor: "left",
        yanchor: "top",
        align: "left",
        font: { size: SMALL_TEXT },
      },
    );
    const shared = { range: [-0.02, 1.02], tickvals: [0, 0.5, 1] };
    Object.assign(
      axes,
      grid[i].axes(
        theme,
        { title: "True fraction", outer: true, ...shared },
        { title: "Predicted fraction", outer: true, ...shared },
      ),
    );
  });
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width,
        height: Math.round(plotHeight + top + bottom),
        margin: { l: left, r: right, t: top, b: bottom },
      },
      { ...axes, annotations },
    ),
  };
}

interface Hexagon {
  readonly x: number;
  readonly y: number;
  readonly n: number;
}

/** Counts of points in hexagons of width 1/across with a corner up: the nearest of two lattices. */
function countHexagons(x: Float64Array, y: Float64Array, across: number): Hexagon[] {
  const [w, h] = [1 / across, Math.sqrt(3) / across];
  const bins = new Map<string, { x: number; y: number; n: number }>();
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i]) || Number.isNaN(y[i])) continue;
    const candidates = [
      [Math.round(x[i] / w) * w, Math.round(y[i] / h) * h],
      [(Math.floor(x[i] / w) + 0.5) * w, (Math.floor(y[i] / h) + 0.5) * h],
    ];
    const [a, b] = candidates.map(([cx, cy]) => (x[i] - cx) ** 2 + (y[i] - cy) ** 2);
    const [cx, cy] = candidates[a <= b ? 0 : 1];
    const key = `${cx.toFixed(6)},${cy.toFixed(6)}`;
    const bin = bins.get(key);
    if (bin) bin.n++;
    else bins.set(key, { x: cx, y: cy, n: 1 });
  }
  return [...bins.values()];
}

function hexagonOutline({ x, y }: Hexagon, across: number): ([number, number] | null)[] {
  const radius = 1 / across / Math.sqrt(3);
  const corners = Array.from({ length: 7 }, (_, i): [number, number] => {
    const angle = (Math.PI / 3) * i + Math.PI / 6;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
  return [...corners, null];
}

function levelOf(n: number, most: number): number {
  return most === 1 ? 0 : Math.min(Math.floor((LEVELS * Math.log(n)) / Math.log(most)), LEVELS - 1);
}
