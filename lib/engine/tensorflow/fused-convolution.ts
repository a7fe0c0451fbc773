import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { castNode, type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { Session } from "./session";

/** TensorFlow's name of oneDNN's convolution with what follows it. */
export const FUSED_CONVOLUTION = "_MklNativeFusedConv2D";

/** What {@link fusedConvolution} computes. */
export interface FusedConvolution {
  /** A `Conv2D` by a filter that stays as long as the session. */
  readonly convolution: GraphNode;
  /** The bias `[out]`, and after it the residual, as large as the result, where there is one. */
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
  return makeNode(name, FUSED_CONVOLUTION, {
    attributes: [
      ...convolution.attributes,
      attribute.types(
        "TArgs",
        added.map(({ node, index }) => node.outputs[index].dtype),
      ),
      attribute.int("num_args", added.length),
      attribute.strings("fused_ops", activation === undefined ? fused : [...fused, activation]),
      attribute.float("epsilon", 0),
      attribute.bool("is_filter_const", true),
      attribute.string("_kernel", "MklNameChangeOp"),
    ],
    inputs: [...convolution.inputs, ...added],
    outputs: convolution.outputs,
  });
}

const tried = new Map<number, boolean>();

/** As `worksFused`: whether it computes here in this element type, tried once on small ones. */
export function worksFusedConvolution(dtype: number): boolean {
  if (dtype === DT.bfloat16 && !processor().normalizesBfloat16) return false;
  let works = tried.get(dtype);
  if (works === undefined) {
    works = tryFused(dtype);
    tried.set(dtype, works);
  }
  return works;
}

/** 16 · 1 · ⅛ + 1 = 3; with itself as the residual, and ReLU; with ReLU of minus that; at most 6. */
function tryFused(dtype: number): boolean {
  const image = [1, 4, 4, 16];
  const expected = [3, 4, 0, 6];
  const nodes: GraphNode[] = [];
  const given = (name: string, shape: readonly number[]): Output => {
    const fed = makeNode(name, "Placeholder", {
      attributes: [attribute.type("dtype", DT.float32), attribute.shape("shape", shape)],
      outputs: [{ shape, dtype: DT.float32 }],
    });
    nodes.push(fed, castNode(`${name}_cast`, { node: fed, index: 0 }, dtype));
    return { node: nodes[nodes.length - 1], index: 0 };
  };
  const [x, bias] = [given("x", image), given("bias", [16])];
  const filters = ["plus", "minus", "large"].map((name) => given(name, [1, 1, 16, 16]));
  const by = (filter: number) =>
    makeNode("convolution", "Conv2D", {
      attributes: [
        attribute.type("T", dtype),
        attribute.int("strides", [1, 1, 1, 1]),
        attribute.string("padding", "SAME"),
      ],
      inputs: [x, filters[filter]],
      outputs: [{ shape: image, dtype }],
    });
  const forms: FusedConvolution[] = [
    { convolution: by(0), added: [bias] },
    { convolution: by(0), added: [bias, x], activation: "Relu" },
    { convolution: by(1), added: [bias], activation: "Relu" },
    { convolution: by(2), added: [bias], activation: "Relu6" },
  ];
  for (const [i, form] of forms.entries()) {
    const node = fusedConvolution(`fused${i}`, form);
    nodes.push(node, castNode(`result${i}`, { node, index: 0 }, DT.float32));
  }
  return tf.tidy(() => {
    let session: Session | undefined;
    try {
      session = new Session(nodes);
      const weights = [1 / 8, -1 / 8, 1].map((value) => tf.fill([1, 1, 16, 16], value));
      const results = session.run(
        [tf.ones(image), tf.ones([16]), ...weights],
        ["x:0", "bias:0", "plus:0", "minus:0", "large:0"],
        forms.map((_, i) => `result${i}:0`),
      );
      return results.every((result, i) =>
        result.dataSync().every((value) => Math.abs(value - expected[i]) < 0.02),
      );
    } catch {
      return false;
    } finally {
      session?.close();
    }
  });
}
