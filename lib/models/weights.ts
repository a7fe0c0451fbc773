import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { download } from "../io/download";
import type { DownloadProgress } from "../io/download-attempt";
import { dataFolder } from "../io/paths";
import { createFromWeights } from "./model-file";
import { type ModelOptions, modelDefinition } from "./registry";

/** Where trained weights lie, and how their download goes. */
export interface WeightsOptions {
  /** Folder of downloaded weights. Default: `data/weights` of the project. */
  readonly folder?: string;
  /** Told of the bytes that have come. Default: nobody is. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Attempts in a row that bring nothing, before giving up. */
  readonly attempts?: number;
}

/**
 * The file of a model's published weights; downloaded once, resumed where it broke off, and checked
 * against the SHA-256 that the hub states. `HF_ENDPOINT` names a mirror of the Hugging Face hub.
 *
 * @throws UserError when nobody published weights under this name, or the hub cannot be reached:
 * it says where to put the file by hand.
 */
export async function fetchWeights(name: string, options: WeightsOptions = {}): Promise<string> {
  const { hub } = modelDefinition(name);
  if (hub === undefined) {
    throw new UserError(
      `there are no published weights for ${name}`,
      "train it from fresh weights, or give a file of your own",
    );
  }
  const path = join(options.folder ?? dataFolder("weights"), `${name}.safetensors`);
  if (existsSync(path)) return path;
  const endpoint = (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  const url = `${endpoint}/${hub}/resolve/main/model.safetensors`;
  try {
    const { onProgress, attempts } = options;
    await download(url, path, { sha256: await statedDigest(url), onProgress, attempts });
  } catch (cause) {
    const why = cause instanceof UserError ? cause.problem : String(cause);
    throw new UserError(
      `the weights of ${name} did not come: ${why}`,
      `where there is a network, run it again; else fetch ${url} elsewhere and put it at ${path}`,
      { cause },
    );
  }
  return path;
}

/** The hub answers with the SHA-256 of a large file as the tag of what it links to. */
async function statedDigest(url: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(20_000);
    const { headers } = await fetch(url, { method: "HEAD", redirect: "manual", signal });
    const tag = headers.get("x-linked-etag") ?? "";
    return /^"?([0-9a-f]{64})"?$/.exec(tag)?.[1];
  } catch {
    // The download itself will say what is wrong, and tries again.
    return undefined;
  }
}

/**
 * A model with its published weights. The classifier is kept when its outputs are as many, and fresh
 * otherwise; the report says which.
 *
 * @throws UserError as {@link fetchWeights} and {@link createModel}
 */
export async function createPretrained(
  name: string,
  options: ModelOptions & WeightsOptions,
): Promise<ReturnType<typeof createFromWeights>> {
  return createFromWeights(name, options, await fetchWeights(name, options), { head: "match" });
}
