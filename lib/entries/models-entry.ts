/**
 * Networks: creating, describing, loading, saving, freezing.
 *
 * @module tuning-fork/models
 */
export type { Architecture, BuildOptions, Definition, Variant } from "../models/architecture";
export {
  checkDescription,
  describeModel,
  type Learned,
  type ModelDescription,
  type PictureView,
  type Preprocessing,
  readDescription,
  type TaskDescription,
} from "../models/description";
export { type Freeze, freeze, learningRateScales } from "../models/freeze";
export { fetchHubModel, type HubModel, type WeightsOptions } from "../models/hub-model";
export {
  createFromWeights,
  type LoadedModel,
  loadModel,
  loadWeights,
  readModelDescription,
  saveModel,
} from "../models/model-file";
export { countFlops, modelSummary, parameterCount } from "../models/model-summary";
export type { AttentionHook, Classifier, Context, Layer, Model, Network } from "../models/module";
export {
  type Layout,
  type Parameter,
  type ParameterOptions,
  Parameters,
} from "../models/parameters";
export {
  createModel,
  listModels,
  type ModelOptions,
  modelDefinition,
  registerArchitecture,
} from "../models/registry";
export { type LoadOptions, type LoadReport, loadStateDict, stateDict } from "../models/state-dict";
export { type WebOptions, writeWebModel } from "../models/web-format";
export {
  parseWebManifest,
  readWebModel,
  type WebManifest,
  type WebModel,
  type WebWeight,
} from "../models/web-model";
export { createPretrained, fetchWeights } from "../models/weights";
