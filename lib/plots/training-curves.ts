import { UserError } from "../core/errors";
import { asHeading } from "../core/names";
import type { Table } from "../core/table";
import { LINE_LEGEND } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { PART_NAMES, type Part, plain } from "./text";
import { COLUMN, type FigureOptions, layoutOf, themeOf } from "./theme";

const PARTS = Object.keys(PART_NAMES) as Part[];

/** How {@link trainingCurves} is drawn. */
export interface TrainingCurvesOptions extends FigureOptions {
  /** Metrics to draw, a panel each. Default: loss, accuracy and mae, those of them that the table has. */
  readonly metrics?: readonly string[];
  /** The epoch whose weights are kept, which is marked. Default: that of the least validation loss, if there is one. */
  readonly bestEpoch?: number;
  /** Name of the run, shown below. Default: none. */
  readonly run?: string;
}

/** How many times the median a loss must be for a logarithmic scale. */
const PEAK = 10;

interface Series {
  readonly metric: string;
  readonly part: Part;
  readonly values: number[];
}

/** `valLoss`, `val_loss`, `val/loss` → val of loss; a name without a part is the training's. */
function seriesOf(name: string, values: number[]): Series {
  const match = /^(train|val|test)(?:[_/.]|(?=[A-Z]))(.+)$/.exec(name);
  const metric = match ? match[2] : name;
  return {
    metric: metric.charAt(0).toLowerCase() + metric.slice(1),
    part: (match ? match[1] : "train") as Part,
    values,
  };
}

/**
 * Loss and accuracy of training and validation against the epoch. The scale of the loss is logarithmic where one
 * epoch's is many times the others', as that of a validation early in a fast training may be.
 *
 * The training's values are means over an epoch in which the network changes, of augmented images and, where
 * the config says so, smoothed labels: the validation loss may well lie below.
 *
 * @param history One row an epoch: `epoch`, and columns such as `loss`, `trainLoss` or `val_loss`.
 * @throws UserError where no column is one of the metrics.
 */
export function trainingCurves(history: Table, options: TrainingCurvesOptions = {}): Figure {
  const theme = themeOf(options);
  const all = Object.entries(history)
    .filter(([name]) => name !== "epoch")
    .map(([name, column]) => seriesOf(name, Array.from(column, Number)));
  const metrics = (options.metrics ?? ["loss", "accuracy", "mae"]).filter((metric) =>
    all.some((series) => series.metric === metric),
  );
  if (metrics.length === 0)
    throw new UserError(
      `The history has the columns ${Object.keys(history).join(", ")}, none of which is drawn`,
      "Name those to draw in `metrics`.",
    );
  const length = Object.values(history)[0].length;
  const epochs = Array.from(history.epoch ?? Array.from({ length }, (_, i) => i + 1), Number);
  const best = options.bestEpoch ?? leastLoss(epochs, all);
  const grid = facets(metrics.length, 1, 0, 0.06);

  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  metrics.forEach((metric, i) => {
    const epoch = {
      title: options.run === undefined ? "Epoch" : `Epoch (${plain(options.run)})`,
      outer: true,
      matches: i === 0 ? undefined : "x",
      nticks: 8,
      // Never half an epoch, nor one before the first.
      ...(epochs.length < 8 ? { dtick: 1 } : {}),
      ...(epochs.length === 1 ? { tickvals: epochs } : {}),
    };
    const own = all.filter((series) => series.metric === metric).flatMap(({ values }) => values);
    const value = {
      ...{ title: asHeading(metric), grid: true, nticks: 5 },
      // A loss that hardly falls has ticks of many digits.
      automargin: true,
      // Around a single value plotly would go below 0.
      rangemode: own.some((x) => x < 0) ? "normal" : "nonnegative",
      ...(metric === "loss" && hasPeak(own) ? logScale(own) : {}),
    };
    Object.assign(axes, grid[i].axes(theme, epoch, value));
    for (const part of PARTS) {
      const series = all.find((s) => s.metric === metric && s.part === part);
      if (!series) continue;
      const p = PARTS.indexOf(part);
      // Not every epoch is validated, and plotly draws no line to a value that is missing.
      const known = epochs.map((_, e) => e).filter((e) => !Number.isNaN(series.values[e]));
      data.push({
        type: "scatter",
        mode: epochs.length > 1 ? "lines" : "markers",
        name: PART_NAMES[part],
        x: known.map((e) => epochs[e]),
        y: known.map((e) => series.values[e]),
        ...grid[i].ref,
        legendgroup: part,
        showlegend: !data.some((trace) => (trace as { legendgroup?: string }).legendgroup === part),
        line: {
          color: theme.palette[p],
          width: 2,
          dash: p === 0 ? "solid" : p === 1 ? "5px,2px" : "dot",
        },
        marker: { color: theme.palette[p], size: 6 },
      });
      const at = part === "val" && best !== undefined ? epochs.indexOf(best) : -1;
      if (at < 0) continue;
      data.push({
        type: "scatter",
        mode: "markers",
        name: `best epoch: ${best}`,
        x: [best],
        y: [series.values[at]],
        ...grid[i].ref,
        legendgroup: "best",
        showlegend: i === 0,
        marker: { symbol: "circle-open", color: theme.ink, size: 9, line: { width: 1.5 } },
        cliponaxis: false,
      });
    }
  });
  return {
    data,
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: metrics.length * 150 + 66,
        margin: { l: 52, r: 8, t: 24, b: 42 },
      },
      {
        ...axes,
        showlegend: true,
        legend: LINE_LEGEND,
      },
    ),
  };
}

/** Whether one value is so far above the others that in its scale they would all lie on the ground. */
function hasPeak(values: readonly number[]): boolean {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b);
  return known[0] > 0 && known[known.length - 1] > PEAK * known[Math.floor(known.length / 2)];
}

/** An axis whose every tick is written in full: plotly would write 0.2, 2 and 20 all as "2". */
function logScale(values: readonly number[]): Record<string, unknown> {
  const known = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)].map(Math.log10);
  const leading = high - low > 3 ? [1] : [1, 3];
  const decades = Array.from(
    { length: Math.ceil(high) - Math.floor(low) + 1 },
    (_, i) => Math.floor(low) + i,
  );
  const ticktext = decades.flatMap((power) =>
    leading.map((digit) => `${Number(`${digit}e${power}`)}`),
  );
  return { type: "log", title: "Loss (log scale)", tickvals: ticktext.map(Number), ticktext };
}

function leastLoss(epochs: readonly number[], all: readonly Series[]): number | undefined {
  const losses = all.find(({ metric, part }) => metric === "loss" && part === "val")?.values ?? [];
  const known = losses.filter(Number.isFinite);
  return known.length === 0 ? undefined : epochs[losses.indexOf(Math.min(...known))];
}
