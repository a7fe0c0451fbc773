import * as tf from "@tensorflow/tfjs-core";
import { attribute } from "../native";
import { type GraphNode, makeNode, type Output } from "./graph";
import { computes, triedOnce } from "./try-kernel";

/** What {@link fusedProduct} computes. */
export interface FusedProduct {
  /** Rows `[rows, in]`, and weights that stay as long as the session: `[in, out]`, or `[out, in]` transposed. */
  readonly operands: readonly Output[];
  /** The bias `[out]`, and after it the residual `[rows, out]` where there is one. */
  readonly added: readonly Output[];
  /** Whether the weights are `[out, in]`. */
  readonly transposes: boolean;
  /** What is applied to product and bias; not beside a residual. */
  readonly activation?: "GeluExact";
}

/** oneDNN's product with what follows it; TensorFlow makes such nodes itself, and knows them by `_kernel`. */
export function fusedProduct(
  name: string,
  { operands, added, transposes, activation }: FusedProduct,
): GraphNode {
  const [rows, weight] = operands.map(({ node, index }) => node.outputs[index]);
  const after = activation ?? (added.length > 1 ? "Add" : undefined);
  return makeNode(name, "_MklNativeFusedMatMul", {
    attributes: [
      attribute.type("T", rows.dtype),
      attribute.bool("transpose_a", false),
      attribute.bool("transpose_b", transposes),
      attribute.int("num_args", added.length),
      attribute.strings("fused_ops", after === undefined ? ["BiasAdd"] : ["BiasAdd", after]),
      attribute.float("epsilon", 0),
      attribute.bool("is_filter_const", true),
      attribute.string("_kernel", "MklNameChangeOp"),
    ],
    inputs: [...operands, ...added],
    outputs: [{ shape: [rows.shape[0], weight.shape[transposes ? 0 : 1]], dtype: rows.dtype }],
  });
}

/** Whether {@link fusedProduct} computes here in an element type. */
export const worksFused = triedOnce(tryFused);

/** 16 · 1 · ⅛ + 1 = 3; with GELU, and with itself as the residual. */
function tryFused(dtype: number): boolean {
  return tf.tidy(() => {
    const given = {
      rows: tf.ones([16, 16]),
      weight: tf.fill([16, 16], 1 / 8),
      bias: tf.ones([16]),
    };
    return computes(
      dtype,
      given,
      ({ rows, weight, bias }) => {
        const forms: Omit<FusedProduct, "operands">[] = [
          { added: [bias], transposes: false },
          { added: [bias], transposes: true, activation: "GeluExact" },
          { added: [bias, rows], transposes: true },
        ];
        const operands = [rows, weight];
        return forms.map((form, i) => fusedProduct(`product${i}`, { operands, ...form }));
      },
      [3, 2.99595, 4],
    );
  });
}
