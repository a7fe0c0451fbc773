import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import type { FusedProduct } from "./fused-product";
import { type GraphNode, makeNode, type Output, shapeOf } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** The op of `setup/native/linear.cc`. */
export const LINEAR = "TuningForkLinear";

/** Rows of weights that are read together; a layer has a multiple of them. */
const TOGETHER = 32;

/**
 * Whether our own op computes a layer here: of vectors in bfloat16, which have 32, 64, 96 … numbers each.
 *
 * @param vectors `[…, numbers]`
 */
export function hasOwnLinear({ node, index }: Output): boolean {
  const { shape, dtype } = node.outputs[index];
  return dtype === DT.bfloat16 && shape[shape.length - 1] % TOGETHER === 0 && hasLinearKernel();
}

/** A layer as {@link linearNode} computes it: of `[vectors, in]`, and with ReLU at the end if that is asked for. */
export interface OwnLinear extends Omit<FusedProduct, "activation"> {
  /** GELU not beside a residual. */
  readonly activation?: FusedProduct["activation"] | "Relu";
}

/**
 * A linear layer of our own, for processors with tiles: `[vectors, out]` in bfloat16, or in float32 if a residual is.
 *
 * @param threads How many cores share it.
 */
export function linearNode(
  name: string,
  { operands, added: [bias, ...residual], transposes, activation }: OwnLinear,
  threads: number,
): GraphNode {
  const [[rows, features], weights] = operands.map(shapeOf);
  const results = weights[transposes ? 0 : 1];
  const typeOf = ({ node, index }: Output) => node.outputs[index].dtype;
  const dtype = residual.length > 0 ? typeOf(residual[0]) : DT.bfloat16;
  return makeNode(name, LINEAR, {
    attributes: [
      attribute.type("T", dtype),
      attribute.types("R", residual.map(typeOf)),
      attribute.int("sizes", [rows, features, results]),
      attribute.int("threads", threads),
      attribute.bool("transposed", transposes),
      attribute.bool("gelu", activation === "GeluExact"),
      attribute.bool("relu", activation === "Relu"),
    ],
    inputs: [...operands, bias, ...residual],
    outputs: [{ shape: [rows, results], dtype }],
  });
}

const tried = triedOnce(tryLinear);

/** Whether there is a kernel for it, as {@link hasAttentionKernel} says it. */
export function hasLinearKernel(): boolean {
  return processor().usesTiles && tried(DT.bfloat16);
}

/** 32 · 1 · ⅛ − 4 = 0, GELU of 1, 4 − 4 + 1 = 1, and ReLU of 4 − 4 − 3. */
function tryLinear(dtype: number): boolean {
  return tf.tidy(() => {
    const given = {
      rows: tf.ones([1, 32]),
      weight: tf.fill([32, 32], 1 / 8),
      three: tf.fill([32], -3),
      four: tf.fill([32], -4),
      residual: tf.ones([1, 32]),
      below: tf.fill([1, 32], -3),
    };
    return computes(
      dtype,
      given,
      ({ rows, weight, three, four, residual, below }) => {
        const operands = [rows, weight];
        const forms: Omit<OwnLinear, "operands">[] = [
          { added: [four], transposes: false },
          { added: [three], transposes: true, activation: "GeluExact" },
          { added: [four, residual], transposes: true },
          { added: [four, below], transposes: false, activation: "Relu" },
        ];
        return forms.map((form, i) => linearNode(`layer${i}`, { operands, ...form }, 2));
      },
      [0, 0.8413, 1, 0],
    );
  });
}
