import * as tf from "@tensorflow/tfjs-core";
import { attribute } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { computes, triedOnce } from "./try-kernel";

/** TensorFlow's name of oneDNN's convolution with what follows it. */
export const FUSED_CONVOLUTION = "_MklNativeFusedConv2D";

const FUSED_DEPTHWISE = "_MklNativeFusedDepthwiseConv2dNative";

/** TensorFlow's name of a convolution that keeps channels apart. */
export const DEPTHWISE = "DepthwiseConv2dNative";

/** What {@link fusedConvolution} computes. */
export interface FusedConvolution {
  /** A `Conv2D`, or {@link DEPTHWISE}, by a filter that stays as long as the session. */
  readonly convolution: GraphNode;
  /** The bias `[out]`, and after it the residual, as large as the result, where there is one; of a depthwise one never. */
  readonly added: readonly Output[];
  /** What is applied at the end. */
  readonly activation?: "Relu" | "Relu6";
}

/** oneDNN's convolution with what follows it; TensorFlow makes such nodes itself, and knows them by `_kernel`. */
export function fusedConvolution(
  name: string,
  { convolution, added, activation }: FusedConvolution,
): GraphNode {
  const fused = ["BiasAdd", ...(added.length > 1 ? ["Add"] : [])];
  const types = attribute.types(
    "TArgs",
    added.map(({ node, index }) => node.outputs[index].dtype),
  );
  const depthwise = convolution.op === DEPTHWISE;
  return makeNode(name, depthwise ? FUSED_DEPTHWISE : FUSED_CONVOLUTION, {
    attributes: [
      ...convolution.attributes,
      ...(depthwise ? [] : [types]),
      attribute.int("num_args", added.length),
      attribute.strings("fused_ops", activation === undefined ? fused : [...fused, activation]),
      attribute.float("epsilon", 0),
      attribute.bool("is_filter_const", true),
      attribute.string("_kernel", "MklNameChangeOp"),
    ],
    inputs: [...convolution.inputs, ...added],
    after: convolution.after,
    outputs: convolution.outputs,
  });
}

/** Whether {@link fusedConvolution} computes here in an element type. */
export const worksFusedConvolution = triedOnce(tryFused);

/** 16 · 1 · ⅛ + 1 = 3; with itself as the residual, and ReLU; ReLU of 1 − 2; 16 + 1, at most 6; each channel by itself 1 · 4 + 1. */
function tryFused(dtype: number): boolean {
  return tf.tidy(() => {
    const filter = (value: number) => tf.fill([1, 1, 16, 16], value);
    const given = {
      ...{ x: tf.ones([1, 4, 4, 16]), bias: tf.ones([16]) },
      ...{ plus: filter(1 / 8), minus: filter(-1 / 8), large: filter(1) },
      each: tf.fill([1, 1, 16, 1], 4),
    };
    return computes(
      dtype,
      given,
      ({ x, bias, plus, minus, large, each }) => {
        const by = (weights: Output, op = "Conv2D") =>
          makeNode("convolution", op, {
            attributes: [
              attribute.type("T", dtype),
              attribute.int("strides", [1, 1, 1, 1]),
              attribute.string("padding", "SAME"),
            ],
            inputs: [x, weights],
            outputs: x.node.outputs,
          });
        const forms: FusedConvolution[] = [
          { convolution: by(plus), added: [bias] },
          { convolution: by(plus), added: [bias, x], activation: "Relu" },
          { convolution: by(minus), added: [bias], activation: "Relu" },
          { convolution: by(large), added: [bias], activation: "Relu6" },
          { convolution: by(each, DEPTHWISE), added: [bias] },
        ];
        return forms.map((form, i) => fusedConvolution(`fused${i}`, form));
      },
      [3, 4, 0, 6, 5],
    );
  });
}
