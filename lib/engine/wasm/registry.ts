import * as tf from "@tensorflow/tfjs-core";
import { conv2dFilterGradient } from "./conv2d-filter-gradient";
import { conv2dInputGradient } from "./conv2d-input-gradient";
import { depthwiseFilterGradient } from "./depthwise-filter-gradient";
import { depthwiseInputGradient } from "./depthwise-input-gradient";
import type { WasmKernel } from "./kernel";
import { unsortedSegmentSum } from "./unsorted-segment-sum";

/** What training needs and tfjs's WASM backend lacks or does slowly; a new one is a file and a line here. */
export const wasmKernels: readonly WasmKernel[] = [
  conv2dFilterGradient,
  conv2dInputGradient,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  unsortedSegmentSum,
];

/** Give tfjs's WASM backend {@link wasmKernels}. Call it once, after the backend's package is loaded. */
export function registerWasmKernels(): void {
  for (const { name, compute } of wasmKernels) {
    if (tf.getKernel(name, "wasm") !== undefined) tf.unregisterKernel(name, "wasm");
    tf.registerKernel({
      kernelName: name,
      backendName: "wasm",
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => compute(inputs as Record<string, tf.Tensor>, attrs ?? {})),
    });
  }
}
