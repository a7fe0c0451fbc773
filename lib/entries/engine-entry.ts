/**
 * The tensor engine: start, compile, ops, optimizers.
 *
 * @module tuning-fork/engine
 */
export * as tf from "@tensorflow/tfjs-core";
export {
  type Compiled,
  type CompileOptions,
  compile,
  type TensorFunction,
} from "../engine/compile";
export {
  type ExportedInput,
  type ExportOptions,
  exportSavedModel,
} from "../engine/export-function";
export { findNotFinite, firstNotFinite, type NotFinite } from "../engine/finite";
export * as ops from "../engine/ops";
export {
  clipByGlobalNorm,
  createOptimizer,
  moveAverages,
  type Optimizer,
  type OptimizerOptions,
  squaredNorms,
  type Trained,
} from "../engine/optimizers";
export { inParts, partSeed, usualParts } from "../engine/parts";
export { type EngineInfo, type EngineName, type Precision, startEngine } from "../engine/start";
