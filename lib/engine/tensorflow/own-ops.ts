import { COSINE_ATTENTION } from "../ops/cosine-attention";
import { LAYER_NORM, LAYER_NORM_GRADIENT } from "../ops/layer-norm";
import type { Precision } from "../start";
import { hasCosineAttentionKernel } from "./cosine-attention-op";
import { hasLayerNormKernel } from "./layer-norm-op";

/** Ops of our own that are put into graphs as these are traced; passes put in the others. */
const OWN_OPS: readonly {
  readonly ops: readonly string[];
  readonly precisions: readonly Precision[];
  /** Whether their kernels run here. */
  readonly isThere: () => boolean;
}[] = [
  { ops: [COSINE_ATTENTION], precisions: ["mixed_bfloat16"], isThere: hasCosineAttentionKernel },
  {
    ops: [LAYER_NORM, LAYER_NORM_GRADIENT],
    precisions: ["float32", "mixed_bfloat16"],
    isThere: hasLayerNormKernel,
  },
];

/** The names of those that graphs of one precision may have here. */
export function ownOps(precision: Precision): string[] {
  return OWN_OPS.flatMap(({ ops, precisions, isThere }) =>
    precisions.includes(precision) && isThere() ? ops : [],
  );
}
