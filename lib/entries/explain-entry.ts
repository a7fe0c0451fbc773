/**
 * What a network looks at: attention, relevance, Grad-CAM, occlusion, and whether it can be trusted.
 *
 * @module tuning-fork/explain
 */
export {
  type Attention,
  type AttentionLayer,
  attentionMaps,
  captureAttention,
  type HeadMaps,
  hasAttention,
  headMaps,
} from "../explain/attention-maps";
export { type ComparisonRow, compareExplanations, type Question } from "../explain/compare";
export { type GradCamOptions, gradCam } from "../explain/grad-cam";
export { guidedBackprop } from "../explain/guided-backprop";
export { type HeadGrid, headGrid } from "../explain/head-grid";
export {
  type IntegratedGradients,
  type IntegratedGradientsOptions,
  integratedGradients,
} from "../explain/integrated-gradients";
export {
  ellipseMask,
  type GalaxyEllipse,
  type Localization,
  localization,
  meanLocalization,
} from "../explain/localization";
export { explain, explanationMethods, methodsFor } from "../explain/methods";
export { type OcclusionOptions, occlusion } from "../explain/occlusion";
export {
  type PickBy,
  type Picked,
  type PickedPictures,
  pickGalaxies,
  readPicked,
} from "../explain/pick";
export { relevance } from "../explain/relevance";
export { type RolloutOptions, rollout } from "../explain/rollout";
export { type RotationConsistency, rotationConsistency } from "../explain/rotation";
export { mapOf, type SaliencyMaps } from "../explain/saliency-maps";
export type { Target } from "../explain/target";
export { upsample } from "../explain/upsample";
