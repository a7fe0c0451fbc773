import type { NativeEngine } from "../native";
import { nativeBackend } from "./binding";
import { compileGraph } from "./compiled-graph";
import { exportSavedModel } from "./export-saved-model";
import { fillsTiles } from "./filter-gradient-op";
import { decodeJpegs } from "./jpeg-session";
import { processor } from "./processor";
import { watchOps } from "./watch-ops";

/** TensorFlow's library as the rest of the engine sees it. */
export function tensorflow(isUsingGpu: boolean): NativeEngine {
  const hasOneDnn =
    !isUsingGpu && process.arch === "x64" && process.env.TF_ENABLE_ONEDNN_OPTS !== "0";
  return {
    isUsingGpu,
    hasOneDnn,
    get multipliesBfloat16() {
      return processor().multipliesBfloat16;
    },
    hasFilterGradient: (channelsIn, channelsOut) =>
      processor().usesTiles && fillsTiles(channelsIn, channelsOut),
    get parts() {
      return processor().parts;
    },
    get keepsWeights() {
      return hasOneDnn && processor().keepsWeights;
    },
    runOp(op, attributes, inputs, outputs) {
      const backend = nativeBackend();
      return backend.binding
        .executeOp(op, attributes, backend.getInputTensorIds(inputs), outputs)
        .map((metadata) => backend.createOutputTensor(metadata));
    },
    watchOps,
    keyOf: (tensor) => nativeBackend().getInputTensorIds([tensor])[0],
    compile: compileGraph,
    exportSavedModel,
    decodeJpegs,
  };
}
