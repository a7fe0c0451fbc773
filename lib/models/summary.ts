import type { Table } from "../data/table";
import type { Model } from "./module";

/** Number of values that training can change. */
export function parameterCount(model: Model): number {
  return [...model.parameters.values()]
    .filter(({ buffer }) => !buffer)
    .reduce((sum, { variable }) => sum + variable.size, 0);
}

/** A row a layer, from the images to the logits: its parameters and their number; the sum last. */
export function modelSummary(model: Model): Table {
  const learned = [...model.parameters].filter(([, { buffer }]) => !buffer);
  const counts = model.layers.map((prefixes) =>
    learned
      .filter(([name]) => prefixes.some((p) => name === p || name.startsWith(`${p}.`)))
      .reduce((sum, [, { variable }]) => sum + variable.size, 0),
  );
  return {
    layer: [...model.layers.map((prefixes) => prefixes.join(", ")), model.name],
    parameters: [...counts, parameterCount(model)],
  };
}
