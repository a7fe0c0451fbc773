import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeModel, type Learned, type ModelDescription } from "./description";
import type { Model } from "./module";

/** One array in the shards, as tfjs's `io.decodeWeights` reads it. */
interface WebWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32";
  readonly quantization?: { readonly dtype: "float16"; readonly original_dtype: "float32" };
}

/** What a web page needs to build the model again and to feed it. */
export interface WebManifest {
  /** By which a page knows the file. */
  readonly format: "tuning-fork-web";
  /** Which model it is, how images come to it and what its outputs are called. */
  readonly description: ModelDescription;
  /** In tfjs's own form, readable by `tf.io.loadWeights`; arrays are in TensorFlow's layouts. */
  readonly weightsManifest: readonly [
    {
      /** Files of the weights, beside the manifest. */
      readonly paths: readonly string[];
      /** The arrays, in the order of their bytes. */
      readonly weights: readonly WebWeight[];
    },
  ];
}

/** What browsers cache well. */
const SHARD_BYTES = 4 * 2 ** 20;

/**
 * Write a model for the browser: `model.json` and shards of at most 4 MiB.
 *
 * @param learned What it was asked and what its pictures were, as far as that is known.
 * @param options `half: true` stores float16, half the size for about three digits.
 */
export function writeWebModel(
  model: Model,
  folder: string,
  learned: Learned,
  options: { half?: boolean } = {},
): WebManifest {
  const weights: WebWeight[] = [];
  const chunks: Uint8Array[] = [];
  for (const [name, { variable }] of model.parameters) {
    const values = variable.dataSync<"float32">();
    const stored = options.half ? Uint16Array.from(values, numberToHalf) : values;
    chunks.push(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    weights.push({
      name,
      shape: variable.shape,
      dtype: "float32",
      ...(options.half && { quantization: { dtype: "float16", original_dtype: "float32" } }),
    });
  }
  mkdirSync(folder, { recursive: true });
  const bytes = Buffer.concat(chunks);
  const paths: string[] = [];
  for (let start = 0; start < bytes.length; start += SHARD_BYTES) {
    const path = `weights-${paths.length + 1}.bin`;
    writeFileSync(join(folder, path), bytes.subarray(start, start + SHARD_BYTES));
    paths.push(path);
  }
  const manifest: WebManifest = {
    format: "tuning-fork-web",
    description: describeModel(model, learned),
    weightsManifest: [{ paths, weights }],
  };
  writeFileSync(join(folder, "model.json"), `${JSON.stringify(manifest)}\n`);
  return manifest;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest float16 (ties to even), as its 16 bits. */
function numberToHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(float[0]);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = ((bits[0] >>> 23) & 0xff) - 127;
  // A mantissa that rounds up to 1024 carries into the exponent, as it should.
  const mantissa = roundEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + mantissa);
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
