import { UserError } from "../../../core/errors";
import { isUsingGpu } from "../../native";
import type { Trace } from "../function-trace";
import { batchNormKernel } from "./batch-norm-kernel";
import { bf16Pairs } from "./bf16-pairs";
import { filterGradientKernel } from "./filter-gradient-kernel";
import { foldBatchNorm } from "./fold-batch-norm";
import { foldLayerScale } from "./fold-layer-scale";
import { fuseAttention } from "./fuse-attention";
import { fuseAttentionGradient } from "./fuse-attention-gradient";
import { fuseChains } from "./fuse-chains";
import { fuseConvolutions } from "./fuse-convolutions";
import { fuseElementwise } from "./fuse-elementwise";
import { fuseProducts } from "./fuse-products";
import { gateKernel } from "./gate-kernel";
import { mixedPrecision } from "./mixed-precision";
import type { Pass, Target } from "./pass";
import { pointwiseLinear } from "./pointwise-linear";
import { prepackWeights } from "./prepack-weights";
import { shortErf } from "./short-erf";
import { siluKernel } from "./silu-kernel";
import { winogradKernel } from "./winograd-kernel";

/** All passes, in the order in which they run. */
export const PASSES: readonly Pass[] = [
  fuseElementwise,
  fuseChains,
  foldBatchNorm,
  foldLayerScale,
  mixedPrecision,
  fuseAttentionGradient,
  fuseAttention,
  fuseConvolutions,
  fuseProducts,
  pointwiseLinear,
  filterGradientKernel,
  batchNormKernel,
  siluKernel,
  gateKernel,
  winogradKernel,
  shortErf,
  bf16Pairs,
  prepackWeights,
];

/** Run a trace through the passes that are on. */
export function applyPasses(trace: Trace, target: Target): Trace {
  const off = disabledPasses();
  const here = isUsingGpu() ? PASSES.filter(({ processorsOnly }) => !processorsOnly) : PASSES;
  return here.reduce(
    (current, pass) =>
      off.has(pass.name) ? (pass.off?.(current) ?? current) : pass.run(current, target),
    trace,
  );
}

/**
 * The passes that `TUNING_FORK_DISABLE_PASSES` switches off: names with commas between.
 *
 * @throws UserError when a name is no pass's.
 */
export function disabledPasses(): ReadonlySet<string> {
  const names = (process.env.TUNING_FORK_DISABLE_PASSES ?? "").split(",").map((n) => n.trim());
  const given = names.filter((name) => name !== "");
  const unknown = given.find((name) => !PASSES.some((pass) => pass.name === name));
  if (unknown !== undefined) {
    throw new UserError(
      `TUNING_FORK_DISABLE_PASSES names "${unknown}", which is no pass`,
      `give names of ${PASSES.map(({ name }) => name).join(", ")}, with commas between`,
    );
  }
  return new Set(given);
}
