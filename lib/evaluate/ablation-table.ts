import { asHeading, inWords, matchNames } from "../core/names";
import type { Table } from "../core/table";
import { formatCsv } from "../io/csv-text";
import { type Interval, meanInterval } from "./intervals";
import { escapeLatex } from "./latex";

/** What was trained on what, and tested on what. */
interface Combination {
  /** Name of the model. */
  readonly model: string;
  /** What it was trained on, such as `balanced`. */
  readonly trainedOn: string;
  /** What it was tested on, such as `unbalanced`. */
  readonly testedOn: string;
  /** Published metrics by name, beside which the row is shown, such as `accuracy`. Default: none. */
  readonly published?: Readonly<Record<string, number>>;
}

/** How well each class is found, or each question answered. */
export interface Breakdown {
  /** Name of the score: `recall` of classes, `accuracy` of questions. */
  readonly name: string;
  /** The metric that sums it up, such as `accuracy`. Default: none does. */
  readonly overall?: string;
  /** 0 … 1 by class or question; NaN where it does not occur. */
  readonly scores: Readonly<Record<string, number>>;
}

/** One finished run of an ablation. */
export interface AblationRun extends Combination {
  /** By name, in the order of the columns; NaN where one is not defined. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Which way the first of the metrics is better. Default: not known, and no row is marked as the best. */
  readonly better?: "max" | "min";
  /** Of the same rows. Default: the task has none. */
  readonly breakdown?: Breakdown;
}

/** One row of an ablation: the runs that differ only in their seed. */
export interface AblationRow extends Combination {
  /** How many runs the row joins. */
  readonly repeats: number;
  /** Mean of each metric with its 95 % interval, by name. */
  readonly metrics: Readonly<Record<string, Interval>>;
  /** Mean scores in the order of the names of {@link AblationTable.breakdown}. */
  readonly scores: readonly number[];
}

/** A run of an ablation that failed. */
export interface AblationFailure extends Combination {
  /** Why, in a sentence. */
  readonly reason: string;
}

/** An ablation: its rows, and what is known of each. */
export interface AblationTable {
  /** Names of the metrics, the one that decides first. */
  readonly metrics: readonly string[];
  /** Which way the first metric is better. Default: not known. */
  readonly better?: "max" | "min";
  /** What the rows' scores are of. Default: there are none. */
  readonly breakdown?: Pick<Breakdown, "name" | "overall"> & {
    /** Classes or questions. */
    readonly names: readonly string[];
  };
  /** One entry a combination of model, training and test data. */
  readonly rows: readonly AblationRow[];
  /** Runs that failed, which no row counts. Default: none. */
  readonly failures?: readonly AblationFailure[];
}

/**
 * What a model is called beside others, so that no small relative passes for the network it stands for.
 *
 * @param name As a config calls it, such as `ResNet50`.
 * @param architecture What was trained, such as `resnet50_quarter`.
 * @returns The name alone where both are the same but for case and signs; else `ResNet50 (resnet50_quarter)`.
 */
export function modelLabel(name: string, architecture: string): string {
  const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  return letters(name) === letters(architecture) ? name : `${name} (${architecture})`;
}

/**
 * Runs → rows: repeats joined, in the order in which their first runs stand. Classes or questions are
 * those of the first run, matched by name; a score is NaN where a run does not have it.
 */
export function ablationTable(runs: readonly AblationRun[]): AblationTable {
  const groups = new Map<string, AblationRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.model, run.trainedOn, run.testedOn]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const [first] = runs;
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))];
  const names = Object.keys(first?.breakdown?.scores ?? {});
  const scoresOf = ({ breakdown }: AblationRun): number[] => {
    const own = Object.entries(breakdown?.scores ?? {});
    const at = matchNames(
      names,
      own.map(([name]) => name),
    );
    return Array.from(at, (i) => own[i]?.[1] ?? Number.NaN);
  };
  const rows = [...groups.values()].map((repeats): AblationRow => {
    const [{ model, trainedOn, testedOn, published }] = repeats;
    const scores = repeats.map(scoresOf);
    const means = metrics.map((name) => {
      return [name, meanInterval(repeats.map((run) => run.metrics[name] ?? Number.NaN))];
    });
    return {
      ...{ model, trainedOn, testedOn, published, repeats: repeats.length },
      metrics: Object.fromEntries(means),
      scores: names.map((_, c) => scores.reduce((sum, own) => sum + own[c], 0) / scores.length),
    };
  });
  const breakdown = first?.breakdown && {
    name: first.breakdown.name,
    overall: first.breakdown.overall,
    names,
  };
  return { metrics, better: first?.better, breakdown, rows };
}

const NONE: Interval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };

/** The value of a metric in a row; none where a run of another task does not have it. */
const metricOf = ({ metrics }: AblationRow, name: string): Interval => metrics[name] ?? NONE;

/** Every row, and after them those of the runs that failed, without numbers; why is empty for the others. */
function allRows({ rows, failures = [] }: AblationTable) {
  const empty = failures.map((failure): AblationRow => {
    return { ...failure, repeats: 0, metrics: {}, scores: [], published: undefined };
  });
  const reasons = [...rows.map(() => ""), ...failures.map(({ reason }) => reason)];
  return { rows: [...rows, ...empty], reasons: failures.length > 0 ? reasons : undefined };
}

/** Metrics of which a published value is there. */
function publishedMetrics({ metrics, rows }: AblationTable): readonly string[] {
  return metrics.filter((name) => rows.some(({ published }) => published?.[name] !== undefined));
}

/** The table for people: what `showTable` takes. Half widths of the 95 % intervals where there are repeats. */
export function ablationColumns(table: AblationTable): Table {
  const { rows, reasons } = allRows(table);
  const repeated = rows.some((row) => row.repeats > 1);
  const published = publishedMetrics(table);
  const columns: Record<string, string[] | number[]> = {
    model: rows.map((row) => row.model),
    "trained on": rows.map((row) => row.trainedOn),
    "tested on": rows.map((row) => row.testedOn),
  };
  for (const name of table.metrics) {
    const values = rows.map((row) => metricOf(row, name));
    const words = inWords(name);
    columns[words] = values.map(({ value }) => value);
    if (repeated) columns[`± ${words}`] = values.map(({ value, high }) => high - value);
    if (published.includes(name))
      columns[`published ${words}`] = rows.map((row) => row.published?.[name] ?? Number.NaN);
  }
  return reasons === undefined ? columns : { ...columns, failed: reasons };
}

/**
 * The table as CSV: means, bounds of the 95 % intervals (empty for one run), published values; where runs
 * failed, why. Metrics are called as in words: `log_loss`.
 */
export function ablationCsv(table: AblationTable): string {
  const { rows, reasons } = allRows(table);
  const { metrics, breakdown } = table;
  const published = publishedMetrics(table);
  const column = (name: string) => inWords(name).toLowerCase().replaceAll(" ", "_");
  const cell = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? "" : value;
  const fields = [
    ...["model", "trained_on", "tested_on", "repeats"],
    ...metrics.map(column).flatMap((name) => [name, `${name}_low`, `${name}_high`]),
    ...published.map((name) => `published_${column(name)}`),
    ...(breakdown?.names.map((name) => `${breakdown.name}_${name}`) ?? []),
    ...(reasons === undefined ? [] : ["failed"]),
  ];
  const data = rows.map((row, i) => [
    ...[row.model, row.trainedOn, row.testedOn, row.repeats],
    ...metrics
      .map((name) => metricOf(row, name))
      .flatMap(({ value, low, high }) => [value, low, high].map(cell)),
    ...published.map((name) => cell(row.published?.[name])),
    ...(breakdown?.names.map((_, c) => cell(row.scores[c])) ?? []),
    ...(reasons === undefined ? [] : [reasons[i]]),
  ]);
  return formatCsv(fields, data);
}

/**
 * The table for a paper, with `\toprule` … of the package booktabs; of the rows that were tested on the same
 * galaxies the best value of the first metric is bold.
 */
export function ablationLatex(table: AblationTable): string {
  const { rows, metrics, better } = table;
  const published = publishedMetrics(table);
  const sign = better === "min" ? -1 : 1;
  const isBest = ({ testedOn }: AblationRow, value: number) => {
    const rivals = rows.filter((row) => row.testedOn === testedOn);
    const merits = rivals.map((row) => sign * metricOf(row, metrics[0]).value);
    const best = sign * Math.max(...merits.filter(Number.isFinite));
    return better !== undefined && rivals.length > 1 && value === best;
  };
  const number = ({ value, high }: Interval, bold: boolean) => {
    if (Number.isNaN(value)) return "";
    const mean = bold ? `\\mathbf{${value.toFixed(4)}}` : value.toFixed(4);
    return Number.isNaN(high) ? `$${mean}$` : `$${mean} \\pm ${(high - value).toFixed(4)}$`;
  };
  const heads = [
    ...["Model", "Training data", "Test data", ...metrics.map(asHeading)],
    ...published.map((name) => `Published ${inWords(name)}`),
  ];
  const lines = rows.map((row) => {
    const cells = [
      ...[row.model, row.trainedOn, row.testedOn].map(escapeLatex),
      ...metrics.map((name, i) => {
        const interval = metricOf(row, name);
        return number(interval, i === 0 && isBest(row, interval.value));
      }),
      ...published.map((name) => row.published?.[name]?.toFixed(4) ?? ""),
    ];
    return `${cells.join(" & ")} \\\\`;
  });
  return [
    `\\begin{tabular}{lll${"r".repeat(heads.length - 3)}}`,
    "\\toprule",
    `${heads.join(" & ")} \\\\`,
    "\\midrule",
    ...lines,
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}
