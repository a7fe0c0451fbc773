import { matchNames } from "../core/names";
import type { Table } from "../core/table";
import { formatCsv } from "../io/csv-text";
import { type Interval, meanInterval } from "./intervals";
import type { Summary } from "./summary";

/** One finished run of an ablation. */
export interface AblationRun {
  /** Name of the model. */
  readonly model: string;
  /** What it was trained on, such as `balanced`. */
  readonly trainedOn: string;
  /** What it was tested on, such as `unbalanced`. */
  readonly testedOn: string;
  /** What `evaluate` says of its predictions. */
  readonly metrics: Pick<Summary, "accuracy" | "logLoss" | "macroF1"> & {
    /** By class. */
    readonly perClass: readonly {
      /** Of the class. */
      readonly name: string;
      /** 0 … 1; NaN where the class does not occur. */
      readonly recall: number;
    }[];
  };
  /** A published result beside which the row is shown; loss in nats. Default: none. */
  readonly published?: {
    /** 0 … 1. */
    readonly accuracy: number;
    /** Nats. */
    readonly loss: number;
  };
}

/** One row of an ablation: the runs that differ only in their seed. */
export interface AblationRow {
  /** Name of the model. */
  readonly model: string;
  /** What it was trained on. */
  readonly trainedOn: string;
  /** What it was tested on. */
  readonly testedOn: string;
  /** How many runs the row joins. */
  readonly repeats: number;
  /** Mean accuracy with its 95 % interval. */
  readonly accuracy: Interval;
  /** Mean log loss with its 95 % interval, nats. */
  readonly loss: Interval;
  /** Mean macro F1 with its 95 % interval. */
  readonly macroF1: Interval;
  /** Mean recall of each class, in the order of {@link AblationTable.classNames}. */
  readonly recalls: readonly number[];
  /** A published result beside which the row is shown; loss in nats. Default: none. */
  readonly published?: {
    /** 0 … 1. */
    readonly accuracy: number;
    /** Nats. */
    readonly loss: number;
  };
}

/** A run of an ablation that failed. */
export interface AblationFailure {
  /** Name of the model. */
  readonly model: string;
  /** What it was trained on. */
  readonly trainedOn: string;
  /** What it was to be tested on. */
  readonly testedOn: string;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** An ablation: its rows, and the classes of their recalls. */
export interface AblationTable {
  /** Names of the classes. */
  readonly classNames: readonly string[];
  /** One entry a combination of model, training and test data. */
  readonly rows: readonly AblationRow[];
  /** Runs that failed, which no row counts. Default: none. */
  readonly failures?: readonly AblationFailure[];
}

/**
 * Runs → rows: repeats joined, in the order in which their first runs stand. Classes are those of the
 * first run, matched by name; a recall is NaN where a run does not have the class.
 */
export function ablationTable(runs: readonly AblationRun[]): AblationTable {
  const groups = new Map<string, AblationRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.model, run.trainedOn, run.testedOn]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const classNames = runs[0]?.metrics.perClass.map(({ name }) => name) ?? [];
  const recallsOf = ({ perClass }: AblationRun["metrics"]): number[] => {
    const names = perClass.map(({ name }) => name);
    return Array.from(matchNames(classNames, names), (c) => perClass[c]?.recall ?? Number.NaN);
  };
  const rows = [...groups.values()].map((repeats): AblationRow => {
    const [{ model, trainedOn, testedOn, published }] = repeats;
    const over = (key: "accuracy" | "logLoss" | "macroF1") =>
      meanInterval(repeats.map((run) => run.metrics[key]));
    return {
      model,
      trainedOn,
      testedOn,
      repeats: repeats.length,
      accuracy: over("accuracy"),
      loss: over("logLoss"),
      macroF1: over("macroF1"),
      recalls: classNames.map((_, c) => {
        const sum = repeats.reduce((total, { metrics }) => total + recallsOf(metrics)[c], 0);
        return sum / repeats.length;
      }),
      published,
    };
  });
  return { classNames, rows };
}

/** The row of a run that failed: it has no numbers. */
function emptyRow({ model, trainedOn, testedOn }: AblationFailure): AblationRow {
  const none: Interval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const scores = { accuracy: none, loss: none, macroF1: none, recalls: [] };
  return { model, trainedOn, testedOn, repeats: 0, ...scores };
}

/** The table for people: what `showTable` takes. Half widths of the 95 % intervals where there are repeats. */
export function ablationColumns({ rows: finished, failures = [] }: AblationTable): Table {
  const rows = [...finished, ...failures.map(emptyRow)];
  const repeated = rows.some((row) => row.repeats > 1);
  const published = rows.some((row) => row.published);
  const half = (key: "accuracy" | "loss") => rows.map(({ [key]: { value, high } }) => high - value);
  return {
    model: rows.map((row) => row.model),
    "trained on": rows.map((row) => row.trainedOn),
    "tested on": rows.map((row) => row.testedOn),
    accuracy: rows.map((row) => row.accuracy.value),
    ...(repeated ? { "± accuracy": half("accuracy") } : {}),
    ...(published
      ? { "published accuracy": rows.map((row) => row.published?.accuracy ?? Number.NaN) }
      : {}),
    loss: rows.map((row) => row.loss.value),
    ...(repeated ? { "± loss": half("loss") } : {}),
    ...(published
      ? { "published loss": rows.map((row) => row.published?.loss ?? Number.NaN) }
      : {}),
    "macro F1": rows.map((row) => row.macroF1.value),
    ...(failures.length > 0
      ? { failed: [...finished.map(() => ""), ...failures.map(({ reason }) => reason)] }
      : {}),
  };
}

/**
 * The table as CSV: means, bounds of the 95 % intervals (empty for one run), published values; where runs
 * failed, why.
 */
export function ablationCsv({ classNames, rows: finished, failures = [] }: AblationTable): string {
  const rows = [...finished, ...failures.map(emptyRow)];
  const bounds = ({ value, low, high }: Interval) =>
    [value, low, high].map((v) => (Number.isNaN(v) ? "" : v));
  const fields = [
    ...["model", "trained_on", "tested_on", "repeats"],
    ...["accuracy", "loss", "macro_f1"].flatMap((name) => [name, `${name}_low`, `${name}_high`]),
    ...["published_accuracy", "published_loss"],
    ...classNames.map((name) => `recall_${name}`),
    ...(failures.length > 0 ? ["failed"] : []),
  ];
  const data = rows.map((row, i) => [
    ...[row.model, row.trainedOn, row.testedOn, row.repeats],
    ...[row.accuracy, row.loss, row.macroF1].flatMap(bounds),
    ...[row.published?.accuracy ?? "", row.published?.loss ?? ""],
    ...(row.repeats > 0 ? row.recalls : classNames.map(() => "")),
    ...(failures.length > 0 ? [failures[i - finished.length]?.reason ?? ""] : []),
  ]);
  return formatCsv(fields, data);
}

/** The table for a paper, with `\toprule` … of the package booktabs; the best accuracy is bold. */
export function ablationLatex({ rows }: AblationTable): string {
  const published = rows.some((row) => row.published);
  const best = Math.max(...rows.map((row) => row.accuracy.value));
  const number = ({ value, high }: Interval, digits: number, bold = false) => {
    const mean = bold ? `\\mathbf{${value.toFixed(digits)}}` : value.toFixed(digits);
    return Number.isNaN(high) ? `$${mean}$` : `$${mean} \\pm ${(high - value).toFixed(digits)}$`;
  };
  const heads = ["Model", "Training data", "Test data", "Accuracy", "Loss"];
  if (published) heads.push("Published accuracy", "Published loss");
  const lines = rows.map((row) => {
    const cells = [
      ...[row.model, row.trainedOn, row.testedOn].map(escapeLatex),
      number(row.accuracy, 4, row.accuracy.value === best),
      number(row.loss, 4),
    ];
    if (published)
      cells.push(row.published?.accuracy.toFixed(4) ?? "", row.published?.loss.toFixed(4) ?? "");
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

function escapeLatex(text: string): string {
  return text
    .replaceAll("\\", "\\textbackslash ")
    .replace(/[&%$#_{}]/g, (character) => `\\${character}`)
    .replaceAll("→", "$\\rightarrow$");
}
