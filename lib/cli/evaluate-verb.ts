import type { Predictions } from "../evaluate/predictions";
import { readPredictions, readTruth } from "../evaluate/predictions-file";
import { evaluate } from "../evaluate/summary";
import { withTruth } from "../evaluate/truth";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Every metric of a prediction table",
  details:
    "The table has the columns id,label,predicted,p_<class>…; without p_… what needs them is left out.",
  words: { name: "PREDICTIONS.csv" },
  options: {
    truth: { type: "text", value: "FILE", help: "A CSV of true classes, joined by id." },
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
    json: { type: "flag", help: "The metrics for programs." },
  },
  async run({ json, ...columns }, [path]) {
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
