import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threaded from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { registerWasmKernels } from "#lib/engine/wasm/registry";

/** What computes, and why nothing faster does. */
export interface PageEngine {
  /** For a person, such as `WASM, 4 threads`. */
  readonly name: string;
  /** tfjs's name of it. */
  readonly backend: string;
  /** A sentence on each faster engine that does not run here. */
  readonly passedOver: readonly string[];
}

interface Candidate {
  readonly name: string;
  readonly backend: string;
  /** Load what it needs. @returns what is to be said of it besides its name, once it runs */
  load(): Promise<() => string>;
}

/** Fastest first. */
const candidates: readonly Candidate[] = [
  {
    name: "WebGPU",
    backend: "webgpu",
    async load() {
      if (!("gpu" in navigator)) throw new Error("this browser has none");
      await import("@tensorflow/tfjs-backend-webgpu");
      return () => "";
    },
  },
  {
    name: "WebGL",
    backend: "webgl",
    async load() {
      if (!new OffscreenCanvas(1, 1).getContext("webgl2")) throw new Error("this browser has none");
      await import("@tensorflow/tfjs-backend-webgl");
      return () => "";
    },
  },
  {
    name: "WASM",
    backend: "wasm",
    async load() {
      const wasm = await import("@tensorflow/tfjs-backend-wasm");
      registerWasmKernels();
      const absolute = (url: string) => new URL(url, location.href).href;
      wasm.setWasmPaths({
        "tfjs-backend-wasm.wasm": absolute(plain),
        "tfjs-backend-wasm-simd.wasm": absolute(simd),
        "tfjs-backend-wasm-threaded-simd.wasm": absolute(threaded),
      });
      if (!crossOriginIsolated) return () => ", 1 thread (the page is not isolated yet)";
      return () => {
        const threads = wasm.getThreadsCount();
        return `, ${threads} thread${threads === 1 ? "" : "s"}`;
      };
    },
  },
];

/**
 * Start the fastest engine that this browser has and that computes right.
 *
 * @param wanted tfjs's name of the only one to try. Default: all are tried.
 */
export async function startPageEngine(wanted?: string): Promise<PageEngine> {
  const passedOver: string[] = [];
  for (const { name, backend, load } of candidates) {
    if (wanted !== undefined && wanted !== backend) continue;
    try {
      const more = await load();
      if (!(await tf.setBackend(backend))) throw new Error("it does not start");
      await tf.ready();
      await check();
      return { name: name + more(), backend, passedOver };
    } catch (error) {
      passedOver.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new UserError(
    passedOver.length === 0
      ? `there is no engine "${wanted}"`
      : `no engine runs here: ${passedOver.join("; ")}`,
    "use a current Chrome, Edge, Firefox or Safari",
  );
}

/** A small convolution, whose sum is known: drivers of graphics cards have been found to be wrong. */
async function check(): Promise<void> {
  const sum = tf.tidy(() => {
    const x = tf.reshape(tf.range(0, 64), [1, 8, 8, 1]) as tf.Tensor4D;
    return tf.sum(tf.conv2d(x, tf.ones([3, 3, 1, 1]), 1, "valid"));
  });
  const [value] = await sum.data();
  sum.dispose();
  if (value !== 10206) throw new Error(`it computes ${value} where 10206 is right`);
}
