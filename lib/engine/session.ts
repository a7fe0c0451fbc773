import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import type { GraphNode } from "./graph";
import { type NativeBackend, nativeBackend } from "./native";
import { savedModelBytes } from "./saved-model";

/** A TensorFlow graph that is loaded and can be run. */
export class Session {
  private readonly backend: NativeBackend;
  private id: number | undefined;

  /** @throws Error TensorFlow's own, when it refuses the graph. */
  constructor(nodes: readonly GraphNode[]) {
    const backend = nativeBackend();
    if (backend === undefined) throw new Error("a session needs the native engine");
    this.backend = backend;
    // The binding takes a graph as a SavedModel's folder only; it is gone as soon as it is read.
    const folder = mkdtempSync(join(tmpdir(), "tuning-fork-graph-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), savedModelBytes(nodes));
      this.id = backend.binding.loadSavedModel(folder, "serve");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /**
   * Feed tensors by name and fetch others by name.
   *
   * @param inputs Fed under `inputNames`, which end in `:0`.
   * @returns one new tensor for each name in `outputNames`.
   */
  run(
    inputs: readonly tf.Tensor[],
    inputNames: readonly string[],
    outputNames: readonly string[],
  ): tf.Tensor[] {
    if (this.id === undefined) throw new Error("this session is closed");
    return this.backend.binding
      .runSavedModel(
        this.id,
        this.backend.getInputTensorIds(inputs),
        inputNames.join(","),
        outputNames.join(","),
      )
      .map((metadata) => this.backend.createOutputTensor(metadata));
  }

  close(): void {
    if (this.id !== undefined) this.backend.binding.deleteSavedModel(this.id);
    this.id = undefined;
  }
}
