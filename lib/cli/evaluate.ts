import { UserError } from "../core/errors";
import { readPredictions } from "../evaluate/predictions";
import { evaluate } from "../evaluate/summary";
import type { Verb } from "./verb";

export const verb: Verb = {
  summary: "Every metric of a prediction table",
  usage: "PREDICTIONS.csv [--json]\n\n  The table has the columns id,label,predicted,p_<class>…",
  options: { json: { type: "boolean" } },
  async run({ values, positionals }) {
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) {
      throw new UserError(
        "one prediction table is expected",
        "tuning-fork evaluate PREDICTIONS.csv",
      );
    }
    const metrics = evaluate(await readPredictions(path));
    if (values.json) {
      console.log(JSON.stringify(metrics, null, 2));
      return undefined;
    }
    const { perClass, confusion: _, ...numbers } = metrics;
    for (const [name, value] of Object.entries(numbers)) {
      if (typeof value === "number") console.log(`${name.padEnd(18)}${value.toFixed(4)}`);
    }
    const width = Math.max(...perClass.map(({ name }) => name.length), 5) + 2;
    console.log(`\n${"class".padEnd(width)}precision  recall     F1  galaxies`);
    for (const { name, precision, recall, f1, support } of perClass) {
      const cells = [precision, recall, f1].map((value) => value.toFixed(4).padStart(9));
      console.log(`${name.padEnd(width)}${cells.join("")}${String(support).padStart(10)}`);
    }
    return undefined;
  },
};
