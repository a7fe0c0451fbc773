import { DT } from "../../native";
import type { Trace } from "../function-trace";
import { FUSED_CONVOLUTION } from "../fused-convolution";
import { type GraphNode, shapeOf } from "../graph";
import {
  hasWinogradKernel,
  type Winograd,
  type WinogradGradient,
  winogradGradientNode,
  winogradNode,
} from "../winograd-op";
import { ownKernels, withOthers } from "./own-kernels";
import type { Pass } from "./pass";

/** Convolutions by 3 × 3 filters in float32 and their two gradients as kernels of our own, which multiply less. */
export const winogradKernel: Pass = {
  name: "winograd-kernel",
  processorsOnly: true,
  summary:
    "convolutions by 3 × 3 filters in float32 are a kernel of this library, which multiplies less",
  run: ownKernels(
    (node) => convolutionOf(node) !== undefined,
    hasWinogradKernel,
    withKernels,
    "float32",
  ),
};

/** TensorFlow's names of a convolution's gradients. */
const [BY_IMAGE, BY_FILTER] = ["Conv2DBackpropInput", "Conv2DBackpropFilter"];

/** Channels of images and of results from which on it is faster. */
const CHANNELS = 32;

/** Tiles of 2 × 2 pixels from which on it is faster, of filters that stay and of others. */
const TILES = { kept: 32, others: 128 };

function withKernels(trace: Trace, threads: number): Trace {
  return withOthers(trace, (node) => {
    const found = convolutionOf(node);
    if (found === undefined) return undefined;
    return "dy" in found
      ? winogradGradientNode(node.name, found, threads)
      : winogradNode(node.name, found, threads);
  });
}

/** What the kernels compute for a node; nothing where they are for another one. */
function convolutionOf(node: GraphNode): Winograd | WinogradGradient | undefined {
  const { op, inputs, outputs, attributes } = node;
  const keeps = op === FUSED_CONVOLUTION;
  const [gradient, byFilter] = [op === BY_IMAGE, op === BY_FILTER];
  if (!keeps && op !== "Conv2D" && !gradient && !byFilter) return undefined;
  if (outputs[0].dtype !== DT.float32) return undefined;
  const given = (name: string) => attributes.find((attribute) => attribute.name === name)?.value;
  const [image, filter, ...added] = gradient ? [inputs[2], inputs[1]] : inputs;
  const [images, height, width, channels] = gradient ? outputs[0].shape : shapeOf(image);
  const [down, across, into, all] = byFilter ? outputs[0].shape : shapeOf(filter);
  const groups = channels / into;
  const tiles = images * Math.ceil(height / 2) * Math.ceil(width / 2);
  const ops = `${given("fused_ops")}`;
  const fits =
    `${[down, across]}` === "3,3" &&
    given("padding") === "SAME" &&
    [given("strides"), given("dilations")].every((by) => `${by}` === "1,1,1,1") &&
    Math.min(into, all / groups) >= CHANNELS &&
    tiles >= (keeps ? TILES.kept : TILES.others) &&
    !ops.includes("Relu6");
  if (!fits) return undefined;
  if (byFilter) return { image, dy: inputs[2], groups };
  return { image, filter, groups, added, relu: ops.includes("Relu"), keeps, gradient };
}
