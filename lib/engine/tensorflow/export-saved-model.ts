import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { writeFileAtomic } from "../../io/atomic";
import type { TensorFunction } from "../compile";
import type { ExportOptions } from "../export-function";
import { ATTRIBUTE, attribute, dtypeNumber } from "../native";
import type { GraphNode } from "./graph";
import { applyPasses } from "./passes/registry";
import { savedModelBytes } from "./saved-model";
import { traceFunction } from "./trace-function";

/** What one protocol buffer may hold. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** See `exportSavedModel` of the engine. */
export function exportSavedModel(fn: TensorFunction, folder: string, options: ExportOptions): void {
  const { variables, precision = "float32" } = options;
  const handles = new Map(variables.map((variable, i) => [variable, frozen(variable, i)]));
  const bytes = [...handles.values()].reduce(
    (sum, node) => sum + (node.value?.bytes.length ?? 0),
    0,
  );
  if (bytes > MOST_BYTES) {
    throw new UserError(
      `the weights are ${(bytes / 2 ** 30).toFixed(1)} GiB; a SavedModel of constants holds 2 GiB`,
      "export a smaller model, or export safetensors",
    );
  }
  const examples = options.inputs.map(({ shape, dtype }) => tf.zeros([...shape], dtype));
  const traced = traceFunction("exported", fn, examples, handles, { portable: true });
  const trace = applyPasses(traced, { precision, portable: true });
  tf.dispose(examples);
  if (trace.effects.length > 0) {
    throw new UserError(
      "the function to export changes a variable",
      "export the function for prediction, not the one for training",
    );
  }
  if (trace.outputs.length !== options.outputs.length) {
    throw new UserError(
      `the function gives ${trace.outputs.length} results for ${options.outputs.length} names`,
      "name each of its results in `outputs`",
    );
  }
  // A read of a frozen variable is the constant itself.
  const nodes = [...handles.values(), ...trace.nodes.map(readAsIdentity)];
  const replaced = new Map(trace.nodes.map((node, i) => [node, nodes[handles.size + i]]));
  writeFileAtomic(
    join(folder, "saved_model.pb"),
    savedModelBytes(nodes, {
      inputs: trace.inputs.map((node, i) => ({
        key: options.inputs[i].name,
        output: { node: replaced.get(node) ?? node, index: 0 },
      })),
      outputs: trace.outputs.map((output, i) => ({ key: options.outputs[i], output })),
    }),
  );
}

function frozen(variable: tf.Variable, i: number): GraphNode {
  const values = variable.dataSync();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const type = { shape: variable.shape, dtype: dtypeNumber(variable.dtype) };
  return {
    name: `variable${i}`,
    op: "Const",
    attributes: [],
    inputs: [],
    after: [],
    outputs: [type],
    value: { ...type, bytes },
  };
}

function readAsIdentity(node: GraphNode): GraphNode {
  if (node.op !== "ReadVariableOp") return node;
  const type = node.attributes.find(({ type: kind }) => kind === ATTRIBUTE.type);
  return { ...node, op: "Identity", attributes: [attribute.type("T", Number(type?.value))] };
}
