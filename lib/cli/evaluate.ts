import { UserError } from "../core/errors";
import type { Predictions } from "../evaluate/predictions";
import { readPredictions, readTruth } from "../evaluate/predictions-file";
import { evaluate } from "../evaluate/summary";
import { withTruth } from "../evaluate/truth";
import { type Arguments, textOption, type Verb } from "./verb";

export const verb: Verb = {
  summary: "Every metric of a prediction table",
  usage: `PREDICTIONS.csv [--truth FILE] [--id COLUMN] [--label COLUMN] [--predicted COLUMN] [--json]

  The table has the columns id,label,predicted,p_<class>…; without p_… what needs them is left out.

  --truth FILE        a CSV of true classes, joined by id
  --id COLUMN         the galaxies' names, in either file; default id
  --label COLUMN      the true classes, in the truth where there is one; default label
  --predicted COLUMN  the predicted classes; default predicted`,
  options: {
    json: { type: "boolean" },
    truth: { type: "string" },
    id: { type: "string" },
    label: { type: "string" },
    predicted: { type: "string" },
  },
  async run(args) {
    const predictions = await namedPredictions(args);
    const metrics = evaluate(predictions);
    if (args.values.json) {
      console.log(JSON.stringify(metrics, null, 2));
      return undefined;
    }
    const total = predictions.ids.length;
    if (metrics.rows < total) console.log(`${metrics.rows} of ${total} rows have a true class\n`);
    const { perClass, confusion: _, ...numbers } = metrics;
    const missing: string[] = [];
    for (const [name, value] of Object.entries(numbers)) {
      if (Number.isNaN(value)) missing.push(name);
      else console.log(`${name.padEnd(18)}${name === "rows" ? value : value.toFixed(4)}`);
    }
    if (missing.length > 0) console.log(`\nno probabilities, so without ${missing.join(", ")}`);
    const width = Math.max(...perClass.map(({ name }) => name.length), 5) + 2;
    console.log(`\n${"class".padEnd(width)}precision  recall     F1  galaxies`);
    for (const { name, precision, recall, f1, support } of perClass) {
      const cells = [precision, recall, f1].map((value) => value.toFixed(4).padStart(9));
      console.log(`${name.padEnd(width)}${cells.join("")}${String(support).padStart(10)}`);
    }
    return undefined;
  },
};

async function namedPredictions(args: Arguments): Promise<Predictions> {
  const [path, ...more] = args.positionals;
  if (path === undefined || more.length > 0) {
    throw new UserError("one prediction table is expected", "tuning-fork evaluate PREDICTIONS.csv");
  }
  const [id, label, predicted, truth] = ["id", "label", "predicted", "truth"].map((name) =>
    textOption(args, name),
  );
  if (truth === undefined) return readPredictions(path, { id, label, predicted });
  const either = (name: string | undefined, usual: string) => (name ? [name, usual] : usual);
  const ids = either(id, "id");
  return withTruth(
    await readPredictions(path, { id: ids, predicted }),
    await readTruth(truth, { id: ids, label: either(label, "label") }),
    truth,
  );
}
