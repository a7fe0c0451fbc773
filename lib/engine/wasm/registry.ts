import * as tf from "@tensorflow/tfjs-core";
import { conv2dFilterGradient } from "./conv2d-filter-gradient";
import { conv2dInputGradient } from "./conv2d-input-gradient";
import { depthwiseFilterGradient } from "./depthwise-filter-gradient";
import { depthwiseInputGradient } from "./depthwise-input-gradient";
import type { WasmKernel } from "./kernel";
import { matrixProduct } from "./matrix-product";
import { unsortedSegmentSum } from "./unsorted-segment-sum";

/** What training needs and tfjs's WASM backend lacks or does slowly; a new one is a file and a line here. */
export const wasmKernels: readonly WasmKernel[] = [
  conv2dFilterGradient,
  conv2dInputGradient,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  matrixProduct,
  unsortedSegmentSum,
];

/** Give tfjs's WASM backend {@link wasmKernels}. Call it once, after the backend's package is loaded. */
export function registerWasmKernels(): void {
  for (const kernel of wasmKernels) {
    const own = tf.getKernel(kernel.name, "wasm");
    if (own !== undefined) tf.unregisterKernel(kernel.name, "wasm");
    tf.registerKernel({
      ...own,
      kernelName: kernel.name,
      backendName: "wasm",
      kernelFunc: (call) => {
        const attributes = (call.attrs ?? {}) as Record<string, unknown>;
        const inputs = call.inputs as Record<string, tf.Tensor>;
        if (own !== undefined && kernel.applies?.(attributes, inputs) === false)
          return own.kernelFunc(call);
        return tf.tidy(() => kernel.compute(inputs, attributes));
      },
    });
  }
}
