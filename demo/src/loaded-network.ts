import { z } from "zod";
import { UserError } from "#lib/core/errors";
import { methodsFor } from "#lib/explain/methods";
import { parameterCount } from "#lib/models/model-summary";
import { parseWebManifest, readWebModel, type WebModel } from "#lib/models/web-model";
import { taskFromDescription } from "#lib/tasks/registry";
import type { Task } from "#lib/tasks/task";
import { report } from "./remote";

/** What the page knows of a model. */
export interface ModelCard {
  /** Registered name of its architecture. */
  readonly architecture: string;
  /** Name of its task, such as `classification`. */
  readonly task: string;
  /** What its outputs are called, in order. */
  readonly outputs: readonly string[];
  /** Questions with the columns of their answers, which exclude each other; one for a classification. */
  readonly questions: readonly { readonly name: string; readonly columns: readonly number[] }[];
  /** Height and width that it takes, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** Whether its probabilities were calibrated on galaxies that it did not learn from. */
  readonly calibrated: boolean;
  /** Ways to look at what it looks at, the most telling first. */
  readonly methods: readonly string[];
  /** Numbers that it learned. */
  readonly parameters: number;
}

let loaded: (WebModel & { readonly task: Task }) | undefined;

/** The network that answers. @throws UserError before one is loaded */
export function current(): WebModel & { readonly task: Task } {
  if (loaded === undefined)
    throw new UserError("there is no network yet", "wait until it is loaded");
  return loaded;
}

/** The bytes of a file on the page's own host, told of as they come. */
async function download(url: URL, from = 0, total = 0): Promise<Uint8Array<ArrayBuffer>> {
  const remedy = "check the connection, and load the page again";
  const name = url.pathname.split("/").at(-1);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new UserError(`${name} did not come`, remedy, { cause });
  }
  if (!response.ok) throw new UserError(`${name} did not come (${response.status})`, remedy);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (const reader = response.body?.getReader(); reader !== undefined; ) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      bytes += value.length;
      if (total > 0) report(from + bytes, total);
    }
  } catch (cause) {
    throw new UserError(`${name} broke off after ${bytes} bytes`, remedy, { cause });
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** @param folder Address of the folder that `export --format web` wrote. */
export async function load(folder: string): Promise<ModelCard> {
  const json = await download(new URL("model.json", folder));
  const manifest = parseWebManifest(new TextDecoder().decode(json));
  const [{ paths, sha256, weights }] = manifest.weightsManifest;
  const total = weights.reduce((sum, { shape, quantization }) => {
    return sum + shape.reduce((a, b) => a * b, quantization === undefined ? 4 : 2);
  }, 0);
  let done = 0;
  const web = await readWebModel(async (name) => {
    if (name === "model.json") return json;
    // Its digest in the address lets caches keep it for good.
    const digest = sha256[paths.indexOf(name)]?.slice(0, 16);
    const bytes = await download(new URL(`${name}?${digest}`, folder), done, total);
    done += bytes.length;
    return bytes;
  });
  const { description, temperature } = web.manifest;
  if (description.task === undefined) {
    web.model.dispose();
    throw new UserError("the model does not say what was asked", "train it again and export it");
  }
  loaded?.model.dispose();
  loaded = { ...web, task: taskFromDescription(description.task) };
  return {
    architecture: description.architecture,
    task: description.task.task,
    outputs: loaded.task.outputs,
    questions: questionsOf(loaded.task),
    inputSize: web.model.inputSize,
    calibrated: temperature !== undefined,
    methods: methodsFor(web.model),
    parameters: parameterCount(web.model),
  };
}

/** The questions of votes, from the tree that the model carries; else one question without a name. */
export function questionsOf({ description: { details }, outputs }: Task): ModelCard["questions"] {
  const { success, data } = tree.safeParse(details);
  if (!success) return [{ name: "", columns: outputs.map((_, column) => column) }];
  return data.questions.map(({ name, answers }) => ({
    name,
    columns: answers.map((answer) => outputs.indexOf(answer)).filter((column) => column >= 0),
  }));
}

const tree = z.object({
  questions: z.array(z.object({ name: z.string(), answers: z.array(z.string()) })),
});
