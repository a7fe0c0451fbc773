import type { Table } from "../core/table";
import { formatCsv } from "../io/csv-text";
import { escapeLatex } from "./latex";
import { holmCorrection, wilcoxonTest } from "./paired-test";
import type { VoteMetrics } from "./vote-metrics";
import type { VotePredictions } from "./vote-predictions";

/** One model of a comparison. */
export interface ModelResult {
  /** Name of the model. */
  readonly name: string;
  /** What kind it is: a network, an ensemble, trees of a library. */
  readonly kind: string;
  /** The network whose features trees take, by its name. Default: none. */
  readonly backbone?: string;
  /** What it says of the test galaxies. Default: it failed. */
  readonly predictions?: VotePredictions;
  /** Their metrics. Default: it failed. */
  readonly metrics?: VoteMetrics;
  /** Of its own training, seconds. Default: not known. */
  readonly seconds?: number;
  /** Peak of the process meanwhile, bytes. Default: not known. */
  readonly peakMemory?: number;
  /** Why it has no predictions, in a sentence. Default: it has. */
  readonly failure?: string;
}

/** Mean absolute error of each galaxy; NaN where nothing is known of it. */
export function errorsByGalaxy({ values, truth, answers, ids }: VotePredictions): Float64Array {
  const k = answers.length;
  return Float64Array.from(ids, (_, row) => {
    let [sum, count] = [0, 0];
    for (let at = row * k; at < (row + 1) * k; at++) {
      if (Number.isNaN(truth[at])) continue;
      sum += Math.abs(values[at] - truth[at]);
      count++;
    }
    return count === 0 ? Number.NaN : sum / count;
  });
}

/** p-values of the second of each pair being as good as the first, corrected for as many comparisons. */
function pairedPValues(
  pairs: readonly (readonly [ModelResult | undefined, ModelResult | undefined])[],
): number[] {
  const values = pairs.map(([first, second]) => {
    if (!first?.predictions || !second?.predictions || first === second) return Number.NaN;
    const errors = [first.predictions, second.predictions].map(errorsByGalaxy);
    return wilcoxonTest(errors[0], errors[1]).pValue;
  });
  return holmCorrection(values);
}

/**
 * Models beside each other, best first by their mean absolute error: what `showTable` takes. Models that
 * failed come last, with the reason. The p-values compare each with the best by Wilcoxon's test of the
 * galaxies' errors, with Holm's correction.
 */
export function comparisonTable(results: readonly ModelResult[]): Table {
  const sorted = [...results].sort((a, b) => maeOf(a) - maeOf(b));
  const [best] = sorted;
  const p = pairedPValues(sorted.map((result) => [best, result] as const));
  const of = (value: (metrics: VoteMetrics) => number) =>
    sorted.map(({ metrics }) => (metrics === undefined ? Number.NaN : value(metrics)));
  return {
    model: sorted.map(({ name }) => name),
    kind: sorted.map(({ kind }) => kind),
    MAE: of(({ mae }) => mae),
    "MAE low": of(({ intervals }) => intervals.mae.low),
    "MAE high": of(({ intervals }) => intervals.mae.high),
    MSE: of(({ rmse }) => rmse ** 2),
    "rounded accuracy": of(({ roundedAccuracy }) => roundedAccuracy),
    correlation: of(({ correlation }) => correlation),
    "R²": of(({ r2 }) => r2),
    "MAE / that of the mean": of(({ relativeMae }) => relativeMae),
    "p against the best": p,
    seconds: sorted.map(({ seconds = Number.NaN }) => Math.round(10 * seconds) / 10),
    "peak memory (MB)": sorted.map(({ peakMemory = Number.NaN }) => Math.round(peakMemory / 1e6)),
    failed: sorted.map(({ failure = "" }) => failure),
  };
}

const maeOf = ({ metrics }: ModelResult) => metrics?.mae ?? Number.POSITIVE_INFINITY;

/**
 * Each network beside the trees on its features: what `showTable` takes. Differences below 0 favor the
 * trees; their p-values are Wilcoxon's, with Holm's correction for all of them together.
 */
export function pairedTable(results: readonly ModelResult[]): Table {
  const pairs = results.flatMap((trees) => {
    const network = results.find(({ name }) => name === trees.backbone);
    return network === undefined ? [] : [{ network, trees }];
  });
  const p = pairedPValues(pairs.map(({ network, trees }) => [network, trees] as const));
  const mae = (result: ModelResult) => result.metrics?.mae ?? Number.NaN;
  return {
    backbone: pairs.map(({ network }) => network.name),
    trees: pairs.map(({ trees }) => trees.kind),
    "MAE of the network": pairs.map(({ network }) => mae(network)),
    "MAE of the trees": pairs.map(({ trees }) => mae(trees)),
    difference: pairs.map(({ network, trees }) => mae(trees) - mae(network)),
    p,
    "seconds of the trees": pairs.map(
      ({ trees }) => Math.round(10 * (trees.seconds ?? Number.NaN)) / 10,
    ),
  };
}

const known = (value: unknown) => typeof value !== "number" || Number.isFinite(value);
const cells = (table: Table) => {
  const columns = Object.values(table);
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, row) =>
    columns.map((column) => column[row]),
  );
};

/** A table of columns as CSV; what is not known is empty. */
export function tableCsv(table: Table): string {
  const rows = cells(table).map((row) => row.map((cell) => (known(cell) ? cell : "")));
  return formatCsv(Object.keys(table), rows as (string | number)[][]);
}

/** A number as a table for people has it: four significant digits, integers whole. */
function shown(cell: unknown): string {
  if (typeof cell !== "number") return String(cell);
  if (!Number.isFinite(cell)) return "–";
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(4)));
}

/** A table of columns as Markdown, numbers with four significant digits. */
export function tableMarkdown(table: Table): string {
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text) => text.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const ruler = Object.values(table).map((column) =>
    typeof column[0] === "string" ? "---" : "--:",
  );
  const rows = cells(table).map((row) => line(row.map(shown)));
  return `${[line(Object.keys(table)), line(ruler), ...rows].join("\n")}\n`;
}

/** A table of columns for a paper, with `\toprule` … of the package booktabs. */
export function tableLatex(table: Table): string {
  const line = (texts: readonly string[]) => `${texts.map(escapeLatex).join(" & ")} \\\\`;
  const align = Object.values(table).map((column) => (typeof column[0] === "string" ? "l" : "r"));
  return [
    `\\begin{tabular}{${align.join("")}}`,
    "\\toprule",
    line(Object.keys(table)),
    "\\midrule",
    ...cells(table).map((row) => line(row.map(shown))),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}
