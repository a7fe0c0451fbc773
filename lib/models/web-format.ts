import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { toHalves } from "../core/float16";
import { writeFileAtomic } from "../io/atomic";
import { describeModel, type Learned } from "./description";
import type { Familiarity } from "./familiarity";
import type { Model } from "./module";
import type { WebManifest, WebWeight } from "./web-model";

/** What browsers cache well. */
const SHARD_BYTES = 4 * 2 ** 20;

/** How {@link writeWebModel} writes. */
export interface WebOptions {
  /** Store float16, half the size for about three digits. Default false. */
  readonly half?: boolean;
  /** Temperature of the probabilities, above 0; see `fitTemperature`. Default: they stay as they are. */
  readonly temperature?: number;
  /** What its galaxies are like; see `fitFamiliarity`. Default: not known. */
  readonly familiarity?: Familiarity;
}

/**
 * Write a model for the browser: `model.json` and shards of at most 4 MiB, with their checksums.
 *
 * @param learned What it was asked and what its pictures were, as far as that is known.
 */
export function writeWebModel(
  model: Model,
  folder: string,
  learned: Learned,
  { half = false, temperature, familiarity }: WebOptions = {},
): WebManifest {
  const weights: WebWeight[] = [];
  const chunks: Uint8Array[] = [];
  for (const [name, { variable }] of model.parameters) {
    const values = variable.dataSync<"float32">();
    const stored = half ? toHalves(values, name) : values;
    chunks.push(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    weights.push({
      name,
      shape: variable.shape,
      dtype: "float32",
      ...(half && { quantization: { dtype: "float16", original_dtype: "float32" } }),
    });
  }
  // What says that the shards are whole goes first and comes last.
  rmSync(join(folder, "model.json"), { force: true });
  const bytes = Buffer.concat(chunks);
  const paths: string[] = [];
  const sha256: string[] = [];
  for (let start = 0; start < bytes.length; start += SHARD_BYTES) {
    const path = `weights-${paths.length + 1}.bin`;
    const shard = bytes.subarray(start, start + SHARD_BYTES);
    writeFileAtomic(join(folder, path), shard);
    paths.push(path);
    sha256.push(createHash("sha256").update(shard).digest("hex"));
  }
  const manifest: WebManifest = {
    format: "tuning-fork-web",
    description: describeModel(model, learned),
    ...(temperature !== undefined && { temperature }),
    ...(familiarity !== undefined && { familiarity }),
    weightsManifest: [{ paths, sha256, weights }],
  };
  writeFileAtomic(join(folder, "model.json"), `${JSON.stringify(manifest)}\n`);
  return manifest;
}
