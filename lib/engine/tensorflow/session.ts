import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { systemError } from "../../core/system-errors";
import { Message } from "../../io/protobuf";
import { type NativeBackend, nativeBackend } from "./binding";
import type { GraphNode } from "./graph";
import { processor } from "./processor";
import { savedModelBytes } from "./saved-model";

/** A TensorFlow graph that is loaded and can be run. */
export class Session {
  private readonly backend: NativeBackend;
  private id: number | undefined;

  /**
   * @param parts How many ops run side by side, each with its share of the cores. Default 1: TensorFlow's
   *   own choice, all cores for each op.
   * @throws Error TensorFlow's own, when it refuses the graph.
   */
  constructor(nodes: readonly GraphNode[], parts = 1) {
    const backend = nativeBackend();
    if (backend === undefined) throw new Error("a session needs the native engine");
    this.backend = backend;
    // The binding takes a graph as a SavedModel's folder only; it is gone as soon as it is read.
    const folder = mkdtempSync(join(tmpdir(), "tuning-fork-graph-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), savedModelBytes(nodes));
      // The binding reads it, see `setup/native/session-config.h`.
      if (parts > 1) writeFileSync(join(folder, "session.config"), threadsFor(parts));
      this.id = backend.binding.loadSavedModel(folder, "serve");
    } catch (error) {
      throw systemError(error, tmpdir(), "has no place for a graph");
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
    if (outputNames.length === 0) return [];
    const { binding } = this.backend;
    const ids = this.backend.getInputTensorIds(inputs);
    try {
      return binding
        .runSavedModel(this.id, ids, inputNames.join(","), outputNames.join(","))
        .map((metadata) => this.backend.createOutputTensor(metadata));
    } catch (error) {
      throw outOfMemory(error) ?? error;
    }
  }

  close(): void {
    if (this.id !== undefined) this.backend.binding.deleteSavedModel(this.id);
    this.id = undefined;
  }
}

/** A `ConfigProto`: threads within an op and between ops, and that they are this session's own. */
function threadsFor(parts: number): Uint8Array {
  const within = Math.max(1, Math.floor(processor().cores / parts));
  return new Message().varint(2, within).varint(5, parts).varint(9, 1).finish();
}

/** TensorFlow's and XLA's complaints that there is no room, for a person; nothing for other errors. */
function outOfMemory(error: unknown): UserError | undefined {
  const text = String(error);
  const [, shape, type] = /allocating tensor with shape\[(.*?)\] and type (\w+)/.exec(text) ?? [];
  const asked =
    shape === undefined
      ? /Out of memory while trying to allocate ([\d.]+ ?\w*)/.exec(text)?.[1].replace(/\.$/, "")
      : `${gibibytes(shape, type)} GiB, a tensor of shape [${shape}]`;
  if (asked === undefined) return undefined;
  return new UserError(
    `out of memory: no room for ${asked}`,
    "use a smaller batch (in training batchSize, with optimizer.accumulate to make up for it), smaller " +
      "images, or mixed_bfloat16",
    { cause: error },
  );
}

function gibibytes(shape: string, type: string): string {
  const width = type === "bfloat16" ? 2 : 4;
  return (shape.split(",").reduce((n, size) => n * Number(size), width) / 2 ** 30).toFixed(2);
}
