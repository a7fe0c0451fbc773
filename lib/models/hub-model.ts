import { existsSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors";
import { download } from "../io/download";
import type { DownloadProgress } from "../io/download-attempt";
import { dataFolder } from "../io/paths";
import { writeSafetensors } from "../io/safetensors";
import { openTorchFile } from "../io/torch-file";
import type { Preprocessing } from "./description";
import { listModels } from "./registry";

/** Where trained weights lie, and how their download goes. */
export interface WeightsOptions {
  /** Folder of downloaded weights. Default: `data/weights` of the project. */
  readonly folder?: string;
  /** Told of the bytes that have come. Default: nobody is. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Attempts in a row that bring nothing, before giving up. */
  readonly attempts?: number;
}

/** A model on the Hugging Face hub, as timm keeps models there. */
export interface HubModel {
  /** Which of our models it is. */
  readonly architecture: string;
  /** How images come to it. */
  readonly preprocessing: Preprocessing;
  /** Height and width of the images that it was trained on, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** Its weights on this machine, `.safetensors`. */
  readonly path: string;
}

const color = z.tuple([z.number(), z.number(), z.number()]);

/** What `timm.models.push_to_hf_hub` writes as config.json, as far as it is needed. */
const configSchema = z.object({
  architecture: z.string().min(1),
  pretrained_cfg: z.object({
    input_size: z.tuple([z.literal(3), z.int().positive(), z.int().positive()]),
    interpolation: z.enum(["nearest", "bilinear", "bicubic", "lanczos"]),
    mean: color,
    std: color,
  }),
});

/**
 * Zoobot's encoders (Walmsley et al. 2023, doi:10.21105/joss.05312; 2024, arXiv:2404.02973) were trained on
 * colors from 0 to 1. Their config.json has ImageNet's mean and deviation all the same, which timm puts in
 * where nothing is said.
 */
const PLAIN_COLORS = /^mwalmsley\/zoobot-/;

/** Whether a name is one of the Hugging Face hub, such as `hf_hub:mwalmsley/zoobot-encoder-convnext_nano`. */
export function isHubName(name: string): boolean {
  return /^hf[_-]hub:/.test(name);
}

/**
 * Bring a timm model from the Hugging Face hub: its config.json, and `model.safetensors` or, where there is
 * none, `pytorch_model.bin`, which is stored as the former. `HF_ENDPOINT` names a mirror.
 *
 * @param name `hf_hub:` and the repository.
 * @throws UserError when there is no such repository or it cannot be reached, when its architecture is none
 *   of ours, or its files are no timm model's
 */
export async function fetchHubModel(name: string, options: WeightsOptions = {}): Promise<HubModel> {
  const repository = name.replace(/^hf[_-]hub:/, "");
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(repository)) {
    throw new UserError(
      `${name} is no name of the Hugging Face hub`,
      "give an owner and a model, such as hf_hub:mwalmsley/zoobot-encoder-convnext_nano",
    );
  }
  const stem = join(options.folder ?? dataFolder("weights"), repository.replace("/", "--"));
  await fetchFile(repository, "config.json", `${stem}.json`, options);
  const { architecture, pretrained_cfg } = parseConfig(
    await readFile(`${stem}.json`, "utf8"),
    `${stem}.json`,
  );
  const path = `${stem}.safetensors`;
  if (!existsSync(path)) {
    if (await hasFile(repository, "model.safetensors")) {
      await fetchFile(repository, "model.safetensors", path, options);
    } else {
      await fetchFile(repository, "pytorch_model.bin", `${stem}.bin`, options);
      await convertWeights(`${stem}.bin`, path);
      rmSync(`${stem}.bin`);
    }
  }
  const { mean, std, interpolation, input_size } = pretrained_cfg;
  const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
  return {
    architecture,
    preprocessing: { ...(PLAIN_COLORS.test(repository) ? plain : { mean, std }), interpolation },
    inputSize: [input_size[1], input_size[2]],
    path,
  };
}

function parseConfig(text: string, path: string): z.output<typeof configSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const config = configSchema.safeParse(json);
  if (!config.success) {
    const [issue] = config.error.issues;
    throw new UserError(
      `${path} is no config.json of a timm model (${issue.path.join(".") || "JSON"}: ${issue.message})`,
      "delete it and try again, or take another model",
    );
  }
  // Behind a dot stands what it was trained on.
  const architecture = config.data.architecture.split(".")[0];
  const known = listModels().filter((one) => !one.startsWith("test_"));
  if (!listModels().includes(architecture)) {
    throw new UserError(
      `${path} is about the architecture ${architecture}, which there is not here`,
      `take a model of one of ${known.join(", ")}`,
    );
  }
  return { ...config.data, architecture };
}

/** Floating-point tensors of a file of PyTorch, as `.safetensors`. */
async function convertWeights(from: string, to: string): Promise<void> {
  const file = await openTorchFile(from);
  try {
    const tensors = [...file.tensors].map(([name, { shape }]) => {
      return { name, shape, read: () => file.read(name) };
    });
    writeSafetensors(to, tensors);
  } finally {
    file.close();
  }
}

function urlOf(repository: string, file: string): string {
  const endpoint = (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  return `${endpoint}/${repository}/resolve/main/${file}`;
}

/**
 * A file of a repository of the hub, downloaded once, resumed where it broke off, and checked against the
 * SHA-256 that the hub states for large files.
 *
 * @throws UserError when it did not come: it says where to put the file by hand
 */
export async function fetchFile(
  repository: string,
  file: string,
  path: string,
  { onProgress, attempts }: WeightsOptions,
): Promise<void> {
  if (existsSync(path)) return;
  const url = urlOf(repository, file);
  try {
    await download(url, path, { sha256: await statedDigest(url), onProgress, attempts });
  } catch (cause) {
    const why = cause instanceof UserError ? cause.problem : String(cause);
    throw new UserError(
      `${file} of ${repository} did not come: ${why}`,
      `where there is a network, run it again; else fetch ${url} elsewhere and put it at ${path}`,
      { cause },
    );
  }
}

async function hasFile(repository: string, file: string): Promise<boolean> {
  const head = await headOf(urlOf(repository, file));
  return head === undefined || head.status < 400;
}

/** The hub answers with the SHA-256 of a large file as the tag of what it links to. */
async function statedDigest(url: string): Promise<string | undefined> {
  const tag = (await headOf(url))?.headers.get("x-linked-etag") ?? "";
  return /^"?([0-9a-f]{64})"?$/.exec(tag)?.[1];
}

async function headOf(url: string): Promise<Response | undefined> {
  try {
    const signal = AbortSignal.timeout(20_000);
    return await fetch(url, { method: "HEAD", redirect: "manual", signal });
  } catch {
    // The download itself will say what is wrong, and tries again.
    return undefined;
  }
}
