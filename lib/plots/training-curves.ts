import { UserError } from "../core/errors";
import type { Table } from "../core/table";
import { LINE_LEGEND } from "./axes";
import { facets } from "./facets";
import type { Figure } from "./figure";
import { COLUMN, type FigureOptions, layoutOf, themeOf } from "./theme";

const PARTS = ["train", "val", "test"] as const;
type Part = (typeof PARTS)[number];

/** How {@link trainingCurves} is drawn. */
export interface TrainingCurvesOptions extends FigureOptions {
  /** Metrics to draw, a panel each. Default: loss, accuracy and mae, those of them that the table has. */
  readonly metrics?: readonly string[];
}

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
 * Loss and accuracy of training and validation against the epoch.
 *
 * @param history One row an epoch: `epoch`, and columns such as `loss`, `trainLoss` or `val_loss`.
 *   The best epoch of the validation loss is marked.
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
  const grid = facets(metrics.length, 1, 0, 0.06);

  const data: object[] = [];
  const axes: Record<string, unknown> = {};
  metrics.forEach((metric, i) => {
    const epoch = {
      title: "Epoch",
      outer: true,
      matches: i === 0 ? undefined : "x",
      nticks: 8,
      // Never half an epoch.
      ...(epochs.length < 8 ? { dtick: 1 } : {}),
    };
    const value = { title: titleOf(metric), grid: true, nticks: 5 };
    Object.assign(axes, grid[i].axes(theme, epoch, value));
    for (const part of PARTS) {
      const series = all.find((s) => s.metric === metric && s.part === part);
      if (!series) continue;
      const p = PARTS.indexOf(part);
      data.push({
        type: "scatter",
        mode: epochs.length > 1 ? "lines" : "markers",
        name: { train: "training", val: "validation", test: "test" }[part],
        x: epochs,
        y: series.values,
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

function titleOf(metric: string): string {
  const words = metric.replace(/([a-z])([A-Z0-9])/g, "$1 $2").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
