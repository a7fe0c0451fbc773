import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { readPredictions, readTruth } from "../evaluate/predictions-file";
import { evaluate } from "../evaluate/summary";
import { withTruth } from "../evaluate/truth";
import { type VoteMetrics, voteMetrics } from "../evaluate/vote-metrics";
import { isVoteTable, readVotePredictions } from "../evaluate/vote-predictions-file";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Every metric of a prediction table",
  details:
    "The table has the columns id,label,predicted,p_<class>…; without p_… what needs them is left out. Or id,<answer>…: votes.",
  words: { name: "PREDICTIONS.csv" },
  options: {
    truth: {
      type: "text",
      value: "FILE",
      help: "A CSV or Parquet table of true classes or votes, joined by id.",
    },
    id: {
      type: "text",
      value: "COLUMN",
      help: "The galaxies' names, in either file. Default id.",
    },
    label: {
      type: "text",
      value: "COLUMN",
      help: "The true classes, in the truth where there is one. Default label.",
    },
    predicted: {
      type: "text",
      value: "COLUMN",
      help: "The predicted classes. Default predicted.",
    },
    tree: {
      type: "text",
      value: "NAME|FILE",
      help: "The questions of a table of votes. Default: the tree whose answers it has.",
    },
    json: { type: "flag", help: "The metrics for programs." },
  },
  async run({ json, tree, ...columns }, [path]) {
    if (tree !== undefined || (await isVoteTable(path))) {
      const { truth, id, label, predicted } = columns;
      const idle = Object.entries({ id, label, predicted }).find(([, value]) => value);
      if (idle !== undefined) {
        throw new UserError(`--${idle[0]} is about classes, and ${path} has votes`, "leave it out");
      }
      sayVotes(voteMetrics(await readVotePredictions(path, { tree, truth })), json);
      return undefined;
    }
    const predictions = await namedPredictions(path, columns);
    const metrics = evaluate(predictions);
    if (json) {
      say(JSON.stringify(metrics, null, 2));
      return undefined;
    }
    const total = predictions.ids.length;
    if (metrics.rows < total) say(`${metrics.rows} of ${total} rows have a true class\n`);
    const { perClass, confusion: _, ...numbers } = metrics;
    const missing: string[] = [];
    for (const [name, value] of Object.entries(numbers)) {
      if (Number.isNaN(value)) missing.push(name);
      else say(`${name.padEnd(18)}${name === "rows" ? value : value.toFixed(4)}`);
    }
    if (missing.length > 0) say(`\nno probabilities, so without ${missing.join(", ")}`);
    const width = Math.max(...perClass.map(({ name }) => name.length), 5) + 2;
    say(`\n${"class".padEnd(width)}precision  recall     F1  galaxies`);
    for (const { name, precision, recall, f1, support } of perClass) {
      const cells = [precision, recall, f1].map((value) => value.toFixed(4).padStart(9));
      say(`${name.padEnd(width)}${cells.join("")}${String(support).padStart(10)}`);
    }
    return undefined;
  },
});

function sayVotes(metrics: VoteMetrics, json: boolean): void {
  if (json) {
    say(JSON.stringify(metrics, null, 2));
    return;
  }
  const { perAnswer, perQuestion, intervals, coverage, ...numbers } = metrics;
  for (const [name, value] of Object.entries(numbers)) {
    const whole = name === "rows" || name === "count";
    say(`${name.padEnd(24)}${whole ? value : Number(value).toFixed(4)}`);
  }
  for (const [level, share] of Object.entries(coverage ?? {})) {
    say(`${`in ${level} % intervals`.padEnd(24)}${(100 * share).toFixed(1)} %`);
  }
  const width = Math.max(...perAnswer.map(({ name }) => name.length), 6) + 2;
  say(`\n${"answer".padEnd(width)}        r      MAE  MAE of the mean`);
  for (const { name, correlation, mae, maeOfMean } of perAnswer) {
    const cells = [correlation, mae, maeOfMean].map((value) => value.toFixed(4).padStart(9));
    say(`${name.padEnd(width)}${cells.join("")}`);
  }
}

async function namedPredictions(
  path: string,
  columns: { id?: string; label?: string; predicted?: string; truth?: string },
): Promise<Predictions> {
  const { id, label, predicted, truth } = columns;
  if (truth === undefined) return readPredictions(path, { id, label, predicted });
  const either = (name: string | undefined, usual: string) => (name ? [name, usual] : usual);
  const ids = either(id, "id");
  return withTruth(
    await readPredictions(path, { id: ids, predicted }),
    await readTruth(truth, { id: ids, label: either(label, "label") }),
    truth,
  );
}
