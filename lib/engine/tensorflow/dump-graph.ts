import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DT } from "../native";
import type { Trace } from "./function-trace";
import { type GraphNode, outputName } from "./graph";
import { disabledPasses, PASSES } from "./passes/registry";
import { savedModelBytes } from "./saved-model";

/** How many graphs of each function were written by this process. */
const written = new Map<string, number>();

/**
 * Write a compiled function to look at, where `TUNING_FORK_DUMP_GRAPH` names a folder: in a folder
 * `<function>-<n>` below it `trace.txt` has it as it was traced, `graph.txt` after all passes, and
 * `saved_model.pb` is the latter as TensorFlow opens it.
 *
 * @param name The function.
 * @param variables The nodes of the variables, which all functions share.
 */
export function dumpGraph(
  name: string,
  traced: Trace,
  graph: Trace,
  variables: readonly GraphNode[],
): void {
  const folder = process.env.TUNING_FORK_DUMP_GRAPH;
  if (folder === undefined || folder === "") return;
  const n = written.get(name) ?? 0;
  written.set(name, n + 1);
  const path = join(folder, `${name}-${n}`);
  mkdirSync(path, { recursive: true });
  const off = disabledPasses();
  const passes = PASSES.map((pass) => `# ${pass.name}${off.has(pass.name) ? " (off)" : ""}`);
  writeFileSync(join(path, "trace.txt"), graphText(traced));
  writeFileSync(join(path, "graph.txt"), [...passes, graphText(graph)].join("\n"));
  writeFileSync(join(path, "saved_model.pb"), savedModelBytes([...variables, ...graph.nodes]));
}

/** A graph in lines: `name = Op(inputs) {attributes} → type[shape]`. */
export function graphText({ nodes, outputs, effects }: Trace): string {
  return [
    ...lines(nodes, ""),
    `outputs: ${outputs.map(outputName).join(", ")}`,
    `effects: ${effects.map(({ name }) => name).join(", ")}`,
    "",
  ].join("\n");
}

function lines(nodes: readonly GraphNode[], margin: string): string[] {
  return nodes.flatMap((node) => {
    const inputs = [...node.inputs.map(outputName), ...node.after.map(({ name }) => `^${name}`)];
    const attributes = node.attributes.map(({ name, value }) => `${name}=${value}`).join(" ");
    const types = node.outputs.map(({ shape, dtype }) => `${NAMES.get(dtype)}[${shape}]`);
    const line =
      `${margin}${node.name} = ${node.op}(${inputs.join(", ")}) {${attributes}} → ${types.join(", ")}` +
      (node.autocast === false ? " float32 only" : "");
    const { body } = node;
    if (body === undefined) return [line];
    const inside = lines([...body.parameters, ...body.nodes], `${margin}  `);
    return [line, ...inside, `${margin}  = ${body.outputs.map(outputName).join(", ")}`];
  });
}

const NAMES = new Map(Object.entries(DT).map(([name, number]) => [number as number, name]));
