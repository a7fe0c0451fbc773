import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../../core/errors";
import { systemError } from "../../core/system-errors";
import { Message } from "../../io/protobuf";
import { type NativeBackend, nativeBackend } from "./binding";
import type { GraphNode } from "./graph";
import { coresOfPart } from "./processor";
import { savedModelBytes } from "./saved-model";

/** A TensorFlow graph that is loaded and can be run. */
export class Session {
  private readonly backend: NativeBackend;
  private id: number | undefined;

  /**
   * @param parts How many ops run side by side, each with its share of the cores. Default 1: TensorFlow's
   *   own choice, all cores for each op.
   * @param threads How many threads an op may have, where `parts` is 1. Default: all cores.
   * @throws Error TensorFlow's own, when it refuses the graph.
   */
  constructor(nodes: readonly GraphNode[], parts = 1, threads?: number) {
    const backend = nativeBackend();
    if (backend === undefined) throw new Error("a session needs the native engine");
    this.backend = backend;
    // The binding takes a graph as a SavedModel's folder only; it is gone as soon as it is read.
    const folder = mkdtempSync(join(tmpdir(), "tuning-fork-graph-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), savedModelBytes(nodes));
      // The binding reads it, see `setup/native/session-config.h`.
      writeFileSync(
        join(folder, "session.config"),
        configFor(parts, threads, backend.isUsingGpuDevice),
      );
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

/**
 * A `ConfigProto`: with parts, threads within an op and between ops that are this session's own; on a CPU,
 * what TensorFlow's optimizer of graphs leaves out.
 *
 * @see https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/core/protobuf/config.proto
 */
function configFor(parts: number, threads: number | undefined, gpu: boolean): Uint8Array {
  const config = new Message();
  const within = parts > 1 ? coresOfPart(parts) : gpu ? undefined : threads;
  if (within !== undefined) config.varint(2, within).varint(5, parts).varint(9, 1);
  if (!gpu) config.message(10, new Message().message(10, briefOptimizer()));
  return config.finish();
}

/**
 * A `RewriterConfig`. TensorFlow goes over a graph twice with each of its optimizers, in the first call of every
 * function and when variables are fed; these find nothing in graphs on a CPU that were traced, and one
 * round of the others does all that two do. It is a quarter of the first step.
 */
function briefOptimizer(): Message {
  const off = 2;
  return new Message()
    .varint(1, off) // layouts: for GPUs
    .varint(4, 1) // memory (NO_MEM_OPT): swaps to the host
    .varint(9, off) // loops
    .varint(10, off) // functions: bodies that XLA compiles stay whole
    .varint(12, 1) // iterations (ONE)
    .varint(22, off) // other kernels for recurrent networks
    .varint(32, true); // consolidation of attributes
}

/** TensorFlow's and XLA's complaints that there is no room, for a person; nothing for other errors. */
function outOfMemory(error: unknown): UserError | undefined {
  const text = String(error);
  const [, shape, type] = /allocating tensor with shape\[(.*?)\] and type (\w+)/.exec(text) ?? [];
  const asked =
    shape === undefined
      ? (/Out of memory while trying to allocate ([\d.]+ ?\w*)/
          .exec(text)?.[1]
          .replace(/\.$/, "") ??
        // A GPU's kernels do not say how much they asked for.
        (/RESOURCE_EXHAUSTED|failed to allocate memory/.test(text)
          ? "a result on the GPU"
          : undefined))
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
