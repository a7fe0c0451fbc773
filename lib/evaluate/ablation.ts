import type { Table } from "../core/table";
import { formatCsv } from "../io/csv-text";
import { type Interval, meanInterval } from "./intervals";
import type { Summary } from "./summary";

/** One finished run of an ablation. */
export interface AblationRun {
  readonly model: string;
  /** What it was trained on, such as `balanced`. */
  readonly trainedOn: string;
  /** What it was tested on, such as `unbalanced`. */
  readonly testedOn: string;
  readonly metrics: Pick<Summary, "accuracy" | "logLoss" | "macroF1"> & {
    readonly perClass: readonly { readonly name: string; readonly recall: number }[];
  };
  /** A published result beside which the row is shown. */
  readonly published?: { readonly accuracy: number; readonly loss: number };
}

/** One row of an ablation: the runs that differ only in their seed. */
export interface AblationRow {
  readonly model: string;
  readonly trainedOn: string;
  readonly testedOn: string;
  readonly repeats: number;
  readonly accuracy: Interval;
  /** Log loss, nats. */
  readonly loss: Interval;
  readonly macroF1: Interval;
  /** Mean recall of each class, in the order of {@link AblationTable.classNames}. */
  readonly recalls: readonly number[];
  readonly published?: { readonly accuracy: number; readonly loss: number };
}

export interface AblationTable {
  readonly classNames: readonly string[];
  readonly rows: readonly AblationRow[];
}

/** Runs → rows: repeats joined, in the order in which their first runs stand. */
export function ablationTable(runs: readonly AblationRun[]): AblationTable {
  const groups = new Map<string, AblationRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.model, run.trainedOn, run.testedOn]);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const classNames = runs[0]?.metrics.perClass.map(({ name }) => name) ?? [];
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
        const sum = repeats.reduce((total, run) => total + run.metrics.perClass[c].recall, 0);
        return sum / repeats.length;
      }),
      published,
    };
  });
  return { classNames, rows };
}

/** The table for people: what `showTable` takes. Half widths of the 95 % intervals where there are repeats. */
export function ablationColumns({ rows }: AblationTable): Table {
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
  };
}

/** The table as CSV: means, bounds of the 95 % intervals (empty for one run), published values. */
export function ablationCsv({ classNames, rows }: AblationTable): string {
  const bounds = ({ value, low, high }: Interval) =>
    [value, low, high].map((v) => (Number.isNaN(v) ? "" : v));
  const fields = [
    ...["model", "trained_on", "tested_on", "repeats"],
    ...["accuracy", "loss", "macro_f1"].flatMap((name) => [name, `${name}_low`, `${name}_high`]),
    ...["published_accuracy", "published_loss"],
    ...classNames.map((name) => `recall_${name}`),
  ];
  const data = rows.map((row) => [
    ...[row.model, row.trainedOn, row.testedOn, row.repeats],
    ...[row.accuracy, row.loss, row.macroF1].flatMap(bounds),
    ...[row.published?.accuracy ?? "", row.published?.loss ?? ""],
    ...row.recalls,
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
