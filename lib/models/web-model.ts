import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { UserError } from "../core/errors";
import { halfToNumber } from "../core/float16";
import { checkDescription, type ModelDescription } from "./description";
import type { Familiarity } from "./familiarity";
import type { Model } from "./module";
import { createModel } from "./registry";

/** One array in the shards, as tfjs's `io.decodeWeights` reads it. */
export interface WebWeight {
  /** Name of the parameter. */
  readonly name: string;
  /** In TensorFlow's layout. */
  readonly shape: readonly number[];
  /** What it is when it is read. */
  readonly dtype: "float32";
  /** What it is in the shards. Default: float32. */
  readonly quantization?: {
    /** Two bytes a number. */
    readonly dtype: "float16";
    /** What it was before. */
    readonly original_dtype: "float32";
  };
}

/** What a web page needs to build a model again and to feed it: `model.json`. */
export interface WebManifest {
  /** By which a page knows the file. */
  readonly format: "tuning-fork-web";
  /** Which model it is, how images come to it and what its outputs are called. */
  readonly description: ModelDescription;
  /** Temperature that calibrates the probabilities, above 0. Default: they stay as they are. */
  readonly temperature?: number;
  /** By which a picture that is no galaxy is told. Default: none is. */
  readonly familiarity?: Familiarity;
  /** In tfjs's own form, readable by `tf.io.loadWeights`; arrays are in TensorFlow's layouts. */
  readonly weightsManifest: readonly [
    {
      /** Files of the weights, beside the manifest. */
      readonly paths: readonly string[];
      /** SHA-256 of each of them, in hexadecimal. */
      readonly sha256: readonly string[];
      /** The arrays, in the order of their bytes. */
      readonly weights: readonly WebWeight[];
    },
  ];
}

const REMEDY = "export the run again, with --format web";

const schema = z.object({
  format: z.literal("tuning-fork-web"),
  description: z.unknown(),
  temperature: z.number().positive().optional(),
  familiarity: z
    .object({
      mean: z.array(z.number()),
      deviation: z.array(z.number().positive()),
      limit: z.number().positive(),
    })
    .refine(({ mean, deviation }) => mean.length === deviation.length)
    .optional(),
  weightsManifest: z.tuple([
    z.object({
      paths: z.array(z.string().regex(/^[\w.-]+$/)).min(1),
      sha256: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().min(0)),
          dtype: z.literal("float32"),
          quantization: z
            .object({ dtype: z.literal("float16"), original_dtype: z.literal("float32") })
            .optional(),
        }),
      ),
    }),
  ]),
});

/** The manifest in a `model.json`. @throws UserError where it is none */
export function parseWebManifest(text: string): WebManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UserError("model.json is no JSON", REMEDY, { cause });
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const [{ path, message }] = result.error.issues;
    throw new UserError(`model.json is not valid: ${path.join(".")}: ${message}`, REMEDY);
  }
  const { description, ...rest } = result.data;
  return { ...rest, description: checkDescription(description, "model.json") };
}

/** A model that came over the web. */
export interface WebModel {
  /** With its weights; the caller's to dispose. */
  readonly model: Model;
  /** What its `model.json` says of it. */
  readonly manifest: WebManifest;
}

/**
 * Build the model that `writeWebModel` wrote. A backend of tfjs must be there.
 *
 * @param read Gives the bytes of a file beside the manifest, by its name.
 * @throws UserError where the manifest is not valid, a file does not have its checksum, or the weights
 *   are not those of the model; whatever `read` throws
 */
export async function readWebModel(read: (name: string) => Promise<Uint8Array>): Promise<WebModel> {
  const manifest = parseWebManifest(new TextDecoder().decode(await read("model.json")));
  const [{ paths, sha256, weights }] = manifest.weightsManifest;
  const shards: Uint8Array[] = [];
  for (const [i, path] of paths.entries()) {
    const shard = await read(path);
    if ((await digest(shard)) !== sha256[i]) {
      throw new UserError(
        `${path} is damaged: its ${shard.length} bytes do not have their checksum`,
        "load it again; if that does not help, export the model again",
      );
    }
    shards.push(shard);
  }
  const model = createModel(manifest.description.architecture, manifest.description);
  try {
    assign(model, weights, join(shards));
    return { model, manifest };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function assign(model: Model, weights: readonly WebWeight[], bytes: Uint8Array): void {
  const wrong = (problem: string) => new UserError(`the weights do not fit: ${problem}`, REMEDY);
  const missing = new Set(model.parameters.keys());
  let offset = 0;
  for (const { name, shape, quantization } of weights) {
    const variable = model.parameters.get(name)?.variable;
    if (variable === undefined || String(variable.shape) !== String(shape)) {
      throw wrong(`${model.name} has no ${name} of [${shape}]`);
    }
    const end = offset + variable.size * (quantization === undefined ? 4 : 2);
    if (end > bytes.length) throw wrong(`they end within ${name}`);
    const stored = bytes.slice(offset, end).buffer;
    const values =
      quantization === undefined
        ? new Float32Array(stored)
        : Float32Array.from(new Uint16Array(stored), halfToNumber);
    tf.tidy(() => variable.assign(tf.tensor(values, [...shape])));
    missing.delete(name);
    offset = end;
  }
  const [first] = missing;
  if (first !== undefined) throw wrong(`${first} is missing`);
}

function join(shards: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(shards.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const shard of shards) {
    all.set(shard, at);
    at += shard.length;
  }
  return all;
}

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
