import { asHeading } from "../core/names";
import type { SweepTable, SweepTrial } from "../evaluate/sweep-table";
import type { Figure } from "./figure";
import { plain, widest } from "./text";
import {
  type FigureOptions,
  interpolateColor,
  layoutOf,
  PAGE,
  SMALL_TEXT,
  TEXT,
  themeOf,
} from "./theme";

/** One vertical line: where values stand on it, 0 … 1, and what is written beside it. */
interface Coordinate {
  readonly title: string;
  readonly place: (trial: SweepTrial) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/**
 * The trials of a sweep, a line each, through the value of each parameter to the score: the better, the
 * darker. Of successive halving the trials of the first round, which all had the same epochs.
 */
export function parallelCoordinates(table: SweepTable, options: FigureOptions = {}): Figure {
  const theme = themeOf(options);
  const { trials, better, metric } = table;
  const fewest = Math.min(...trials.map(({ epochs }) => epochs));
  const shown = trials.filter(({ epochs, score }) => epochs === fewest && Number.isFinite(score));
  const score = interval(asHeading(metric), shown, (trial) => trial.score, false);
  const goodness = (trial: SweepTrial) =>
    better === "max" ? score.place(trial) : 1 - score.place(trial);
  const coordinates = [
    ...table.parameters.map(({ name, scale }, p) => {
      const title = plain(name.split(".").at(-1) ?? name);
      return scale === "list"
        ? list(title, shown, p)
        : interval(title, shown, (trial) => Number(trial.values[p]), scale === "log");
    }),
    score,
  ];
  // The best is drawn last, over the others.
  const ordered = [...shown].sort((a, b) => goodness(a) - goodness(b));
  const lines = ordered.map((trial) => ({
    type: "scatter",
    mode: "lines",
    name: plain(trial.name),
    x: coordinates.map((_, i) => i),
    y: coordinates.map(({ place }) => place(trial)),
    line: {
      color: interpolateColor(theme.sequential.slice(1), goodness(trial)),
      width: trial === ordered[ordered.length - 1] ? 3 : 1.2,
    },
    hovertemplate: `${plain(trial.name)}, ${plain(metric)} ${short(trial.score)}<extra></extra>`,
  }));
  const ticks = coordinates.flatMap(({ ticks }, x) =>
    ticks.map(({ at, text }) => ({
      ...{ x, y: at, text, showarrow: false, xanchor: "left", xshift: 4 },
      bgcolor: theme.paper,
      opacity: 0.85,
      font: { size: SMALL_TEXT, color: theme.ink },
    })),
  );
  const last = coordinates[coordinates.length - 1];
  const right =
    12 +
    widest(
      last.ticks.map(({ text }) => text),
      SMALL_TEXT,
    );
  return {
    data: lines,
    layout: layoutOf(
      theme,
      { width: PAGE, height: 300, margin: { l: 24, r: Math.max(right, 40), t: 34, b: 12 } },
      {
        annotations: ticks,
        shapes: coordinates.map((_, x) => ({
          ...{ type: "line", x0: x, x1: x, y0: 0, y1: 1, layer: "below" },
          line: { color: theme.muted, width: 1 },
        })),
        xaxis: {
          ...{ side: "top", showgrid: false, zeroline: false, showline: false, ticks: "" },
          tickvals: coordinates.map((_, x) => x),
          ticktext: coordinates.map(({ title }) => title),
          tickfont: { size: TEXT },
          range: [-0.15, coordinates.length - 0.9],
        },
        yaxis: { visible: false, range: [-0.05, 1.05] },
      },
    ),
  };
}

const short = (value: number) => String(Number(value.toPrecision(3)));

function interval(
  title: string,
  trials: readonly SweepTrial[],
  numberOf: (trial: SweepTrial) => number,
  log: boolean,
): Coordinate {
  const scaled = (value: number) => (log ? Math.log(value) : value);
  const values = trials.map(numberOf);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const span = scaled(max) - scaled(min) || 1;
  const middle = log ? Math.sqrt(min * max) : (min + max) / 2;
  return {
    title,
    place: (trial) => (max === min ? 0.5 : (scaled(numberOf(trial)) - scaled(min)) / span),
    ticks:
      max === min
        ? [{ at: 0.5, text: short(min) }]
        : [min, middle, max].map((value, i) => ({ at: i / 2, text: short(value) })),
  };
}

function list(title: string, trials: readonly SweepTrial[], p: number): Coordinate {
  const names = [...new Set(trials.map((trial) => String(trial.values[p])))];
  // Numbers in their order, whatever the file's.
  if (names.every((name) => Number.isFinite(Number(name)))) names.sort((a, b) => +a - +b);
  const place = (name: string) => (names.indexOf(name) + 0.5) / names.length;
  return {
    title,
    place: (trial) => place(String(trial.values[p])),
    ticks: names.map((name) => ({ at: place(name), text: plain(name) })),
  };
}
