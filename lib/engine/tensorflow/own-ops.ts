import { isUsingGpu } from "../native";
import { COSINE_ATTENTION } from "../ops/cosine-attention";
import { LAYER_NORM_GRADIENT } from "../ops/layer-norm";
import type { Precision } from "../start";
import { hasCosineAttentionKernel } from "./cosine-attention-op";
import { hasLayerNormKernel } from "./layer-norm-op";

/** Ops of our own that are put into graphs as these are traced; passes put in the others. */
const OWN_OPS: readonly {
  readonly op: string;
  readonly precisions: readonly Precision[];
  /** Whether its kernel runs here. */
  readonly isThere: () => boolean;
}[] = [
  { op: COSINE_ATTENTION, precisions: ["mixed_bfloat16"], isThere: hasCosineAttentionKernel },
  {
    op: LAYER_NORM_GRADIENT,
    precisions: ["float32", "mixed_bfloat16"],
    isThere: hasLayerNormKernel,
  },
];

/** The names of those that graphs of one precision may have here. */
export function ownOps(precision: Precision): string[] {
  if (isUsingGpu()) return [];
  return OWN_OPS.filter(
    ({ precisions, isThere }) => precisions.includes(precision) && isThere(),
  ).map(({ op }) => op);
}
