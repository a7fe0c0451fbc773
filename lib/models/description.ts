import { z } from "zod";
import { UserError } from "../core/errors";
import type { Interpolation } from "../core/resize";
import { VERSION } from "../core/version";
import type { Model } from "./module";

/** How images must come to a model: resized, scaled to 0…1, then (x − mean) / std by channel. */
export interface Preprocessing {
  /** Of red, green and blue, in units of 0…1. */
  readonly mean: readonly [red: number, green: number, blue: number];
  /** Of red, green and blue, in units of 0…1; above 0. */
  readonly std: readonly [red: number, green: number, blue: number];
  /** How images of another size are resized. */
  readonly interpolation: Interpolation;
}

/** What a saved model says of its task: plain JSON, enough to make the task again. */
export interface TaskDescription {
  /** Name in the registry of tasks, such as `classification`. */
  readonly task: string;
  /** Name of the loss; it decides what the logits mean. */
  readonly loss: string;
  /** Names of the outputs, in column order. */
  readonly outputs: readonly string[];
  /** What else the task needs, such as a tree of questions; plain JSON. Default none. */
  readonly details?: unknown;
  /** What its answers are calibrated by, see `Calibration` of the tasks. Default: they are as learned. */
  readonly calibration?: readonly number[];
}

/** How the pictures that a model learned from were cut out of their files. */
export interface PictureView {
  /** Height and width of the stored pictures, pixels; none where they differed. */
  readonly sourceSize?: readonly [height: number, width: number];
  /** Side of the square that was cut out of the middle, source pixels; none: all of it. */
  readonly crop?: number;
  /** Height and width that pictures were resized to, pixels; none: not resampled. */
  readonly size?: number;
  /** How they were resized; none where they were not. */
  readonly interpolation?: Interpolation;
}

/**
 * What a file of weights says of its model, in the metadata of its header: enough to build the model,
 * to feed it, and to know what its answers are called.
 */
export interface ModelDescription {
  /** Registered name, such as `resnet50`. */
  readonly architecture: string;
  /** Number of logits: outputs times the parameters that the loss has for each; 0: no classifier. */
  readonly numClasses: number;
  /** Height and width that the network was built for, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** Share of features dropped in training, 0…1; none: the architecture's default. */
  readonly dropout?: number;
  /** Share of residual branches dropped in training in the deepest block, 0…1; none: 0. */
  readonly dropPath?: number;
  /** How images must come to the network. */
  readonly preprocessing: Preprocessing;
  /** What the network was asked; none where nobody said. */
  readonly task?: TaskDescription;
  /** What its pictures were; none where nobody said. */
  readonly view?: PictureView;
  /** Version of this library that wrote the file. */
  readonly version: string;
}

/** What whoever saves a model knows of it beyond the network itself. */
export type Learned = Pick<ModelDescription, "task" | "view">;

/** Key of the file's metadata that holds the description as JSON. */
export const DESCRIPTION_KEY = "tuning-fork";

const share = z.number().min(0).max(1);
const pixels = z.int().positive();
const size = z.tuple([pixels, pixels]);
const rgb = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();
const interpolation = z.enum(["nearest", "bilinear", "bicubic", "lanczos"]);

/** What a saved task must be like. */
export const taskDescriptionSchema: z.ZodType<TaskDescription> = z
  .object({
    task: z.string().min(1),
    loss: z.string().min(1),
    outputs: z.array(z.string().min(1)).min(1),
    details: z.unknown().optional(),
    calibration: z.array(positive).min(1).optional(),
  })
  .refine(({ outputs }) => new Set(outputs).size === outputs.length, {
    message: "two outputs have the same name",
    path: ["outputs"],
  });

// Keys that a later version added are left out, so that its files still open here.
const schema: z.ZodType<ModelDescription> = z.object({
  architecture: z.string().min(1),
  numClasses: z.int().min(0),
  inputSize: size,
  dropout: share.optional(),
  dropPath: share.optional(),
  preprocessing: z.object({
    mean: rgb,
    std: z.tuple([positive, positive, positive]),
    interpolation,
  }),
  task: taskDescriptionSchema.optional(),
  view: z
    .object({
      sourceSize: size.optional(),
      crop: pixels.optional(),
      size: pixels.optional(),
      interpolation: interpolation.optional(),
    })
    .optional(),
  version: z.string(),
});

/**
 * The description of a model, with what its trainer knows of it. Where pictures were resized on the
 * way to it, the interpolation of that is the one that it wants from now on.
 */
export function describeModel(model: Model, { task, view }: Learned = {}): ModelDescription {
  const { name, numClasses, inputSize, dropout, dropPath } = model;
  const { interpolation } = view?.size === undefined ? model.preprocessing : view;
  const preprocessing = { ...model.preprocessing, interpolation: interpolation ?? "lanczos" };
  const described = { architecture: name, numClasses, inputSize, dropout, dropPath, preprocessing };
  return checkDescription({ ...described, task, view, version: VERSION }, "the model");
}

/**
 * The description in a file's metadata.
 *
 * @param metadata Of a safetensors header.
 * @param source The file, for messages.
 * @returns undefined where the file has none, as those of timm
 * @throws UserError naming each key that is wrong
 */
export function readDescription(
  metadata: Readonly<Record<string, string>>,
  source: string,
): ModelDescription | undefined {
  if (!Object.hasOwn(metadata, DESCRIPTION_KEY)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(metadata[DESCRIPTION_KEY]);
  } catch (cause) {
    throw wrong(source, "it is no JSON", cause);
  }
  return checkDescription(json, source);
}

/**
 * Check plain JSON that should be a {@link ModelDescription}.
 *
 * @param source Where it comes from, for messages.
 * @throws UserError naming each key that is wrong
 */
export function checkDescription(json: unknown, source: string): ModelDescription {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw wrong(source, problems.join("; "));
}

function wrong(source: string, problem: string, cause?: unknown): UserError {
  return new UserError(
    `the description of the model in ${source} is not valid: ${problem}`,
    "save the model again",
    { cause },
  );
}
