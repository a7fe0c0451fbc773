import { join } from "node:path";
import { UserError } from "../core/errors";
import { dataFolder, packageFolder } from "../io/paths";
import { fetchFile, fetchHubModel, isHubName, type WeightsOptions } from "./hub-model";
import { createFromWeights } from "./model-file";
import { type ModelOptions, modelDefinition } from "./registry";

/**
 * The file of a model's published weights: the one that ships with this package, or else downloaded once, resumed where
 * it broke off, and checked against the SHA-256 that the hub states. `HF_ENDPOINT` names a mirror of the Hugging Face hub.
 *
 * @throws UserError when nobody published weights under this name, or the hub cannot be reached:
 * it says where to put the file by hand.
 */
export async function fetchWeights(name: string, options: WeightsOptions = {}): Promise<string> {
  const { hub, shipped } = modelDefinition(name);
  if (shipped) return join(packageFolder, "weights", `${name}.safetensors`);
  if (hub === undefined) {
    throw new UserError(
      `there are no published weights for ${name}`,
      "train it from fresh weights, or give a file of your own",
    );
  }
  const path = join(options.folder ?? dataFolder("weights"), `${name}.safetensors`);
  await fetchFile(hub, "model.safetensors", path, options);
  return path;
}

/**
 * A model with its published weights, or any timm model of the Hugging Face hub whose architecture is one of
 * ours, such as Zoobot's encoders: `hf_hub:mwalmsley/zoobot-encoder-convnext_nano`. The classifier is kept
 * when its outputs are as many, and fresh otherwise; the report says which.
 *
 * @param name A registered name, or `hf_hub:` and a repository. How images come to the latter follows from
 *   the repository.
 * @throws UserError as {@link fetchWeights}, {@link fetchHubModel} and {@link createModel}
 */
export async function createPretrained(
  name: string,
  options: ModelOptions & WeightsOptions,
): Promise<ReturnType<typeof createFromWeights>> {
  const load = { head: "match" } as const;
  if (!isHubName(name)) {
    return createFromWeights(name, options, await fetchWeights(name, options), load);
  }
  const { architecture, path, ...asTrained } = await fetchHubModel(name, options);
  return createFromWeights(architecture, { ...asTrained, ...options }, path, load);
}
