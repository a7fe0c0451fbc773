import { join } from "node:path";
import type { Table } from "../core/table";
import {
  comparisonTable,
  type ModelResult,
  pairedTable,
  tableCsv,
  tableLatex,
  tableMarkdown,
} from "../evaluate/model-table";
import { writeFileAtomic } from "../io/atomic";
import { errorAgainstTime } from "../plots/error-against-time";
import type { Figure } from "../plots/figure";
import { modelComparison } from "../plots/model-comparison";
import { pairedModels } from "../plots/paired-models";
import { questionHeatMap } from "../plots/question-heat-map";

/**
 * The figures of a comparison by name: the ranking with 95 % intervals, error against time, accuracy by
 * question, and networks beside the trees on their features. Models that failed are left out.
 */
export function studyFigures(results: readonly ModelResult[]): Record<string, Figure> {
  const known = results.flatMap(({ metrics, ...one }) =>
    metrics === undefined ? [] : [{ ...one, metrics }],
  );
  if (known.length === 0) return {};
  const sorted = [...known].sort((a, b) => a.metrics.mae - b.metrics.mae);
  const ranking = sorted.map(({ name, metrics }) => ({
    name,
    metrics: {
      "Mean absolute error": { value: metrics.mae, ...metrics.intervals.mae },
      Correlation: { value: metrics.correlation, ...metrics.intervals.correlation },
    },
  }));
  const secondsOf = (name?: string) => known.find((one) => one.name === name)?.seconds ?? 0;
  const timed = known.flatMap(({ name, kind, seconds = 0, backbone, metrics: { mae } }) =>
    // Trees need the network whose features they learn from.
    seconds > 0 ? [{ name, kind, seconds: seconds + secondsOf(backbone), mae }] : [],
  );
  const networks = known.filter(({ kind }) => kind === "network");
  const pairs = networks.map(({ name, metrics }) => {
    const trees = known.filter(({ backbone }) => backbone === name);
    const errors = trees.map(({ kind, metrics: { mae } }) => [kind, mae]);
    return { name, errors: { network: metrics.mae, ...Object.fromEntries(errors) } };
  });
  return {
    ranking: modelComparison(ranking, { best: "min" }),
    "error-against-time": errorAgainstTime(timed),
    questions: questionHeatMap(sorted.map(({ name, metrics }) => ({ name, ...metrics }))),
    ...(pairs.length > 0 && { "dl-vs-gb": pairedModels(pairs) }),
  };
}

/**
 * Write the tables of a comparison, `comparison-table` and `dl-vs-gb-comparison`, each as CSV, Markdown and
 * LaTeX.
 *
 * @returns the files
 */
export function writeStudyTables(folder: string, results: readonly ModelResult[]): string[] {
  const tables: Record<string, Table> = {
    "comparison-table": comparisonTable(results),
    "dl-vs-gb-comparison": pairedTable(results),
  };
  const writers = { csv: tableCsv, md: tableMarkdown, tex: tableLatex };
  return Object.entries(tables).flatMap(([name, table]) =>
    Object.entries(writers).map(([ending, write]) => {
      const path = join(folder, `${name}.${ending}`);
      writeFileAtomic(path, write(table));
      return path;
    }),
  );
}
