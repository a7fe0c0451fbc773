import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import { foldBatchNorm } from "./fold-batch-norm";
import type { GraphNode } from "./graph";
import { ATTRIBUTE, attribute, dtypeNumber, nativeBackend } from "./native";
import { withPrecision } from "./precision";
import { record } from "./record";
import type { TensorFunction } from "./recording";
import { savedModelBytes } from "./saved-model";
import type { Precision } from "./start";

/** A named input of an exported function. */
export interface ExportedInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype?: "float32" | "int32" | "bool";
}

export interface ExportOptions {
  readonly inputs: readonly ExportedInput[];
  /** One name per result of the function. */
  readonly outputs: readonly string[];
  /** Variables that the function reads; their present values become constants. */
  readonly variables: readonly tf.Variable[];
  readonly precision?: Precision;
}

/** What one protocol buffer may hold. */
const MOST_BYTES = 2 ** 31 - 2 ** 20;

/**
 * Write a function as a TensorFlow SavedModel, which Python, C++ and TensorFlow Serving open.
 *
 * The signature is `serving_default`; shapes are fixed, the batch's too. Weights are constants of the
 * graph, so that the folder is one file and has no checkpoint.
 *
 * @param folder Made if it is not there; `saved_model.pb` in it is replaced.
 * @throws UserError without the native engine, when the function changes a variable, or when the
 * weights are more than a SavedModel without a checkpoint holds (2 GiB).
 */
export function exportSavedModel(fn: TensorFunction, folder: string, options: ExportOptions): void {
  const { variables, precision = "float32" } = options;
  if (nativeBackend() === undefined) {
    throw new UserError("a SavedModel is written by the native engine only", "run `npm run setup`");
  }
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
  const recorded = record("exported", fn, examples, handles, { portable: true });
  const recording = withPrecision(foldBatchNorm(recorded), precision);
  tf.dispose(examples);
  if (recording.effects.length > 0) {
    throw new UserError(
      "the function to export changes a variable",
      "export the function for prediction, not the one for training",
    );
  }
  if (recording.outputs.length !== options.outputs.length) {
    throw new UserError(
      `the function gives ${recording.outputs.length} results for ${options.outputs.length} names`,
      "name each of its results in `outputs`",
    );
  }
  // A read of a frozen variable is the constant itself.
  const nodes = [...handles.values(), ...recording.nodes.map(readAsIdentity)];
  const replaced = new Map(recording.nodes.map((node, i) => [node, nodes[handles.size + i]]));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "saved_model.pb"),
    savedModelBytes(nodes, {
      inputs: recording.inputs.map((node, i) => ({
        key: options.inputs[i].name,
        output: { node: replaced.get(node) ?? node, index: 0 },
      })),
      outputs: recording.outputs.map((output, i) => ({ key: options.outputs[i], output })),
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
