import { z } from "zod";
import { UserError } from "../core/errors";
import { parseAugmentation } from "../data/augment";

/** One number for a hundred keys: what a person may write in a config. */
const positive = z.number().positive();
const share = z.number().min(0).max(1);
const count = z.int().positive();

const optimizerSchema = z.strictObject({
  name: z.enum(["adamw", "adam", "sgd"]).default("adamw"),
  /** Peak learning rate; the schedule scales it. */
  learningRate: positive.default(1e-3),
  /** Decoupled for adamw (Loshchilov & Hutter 2019), in the gradient for adam and sgd, as in PyTorch. */
  weightDecay: z.number().min(0).default(0),
  momentum: share.default(0.9),
  beta1: share.default(0.9),
  beta2: share.default(0.999),
  epsilon: positive.default(1e-8),
  /** Largest global norm of the gradients; 0 does not clip. */
  clipNorm: z.number().min(0).default(0),
  /** Batches whose gradients are averaged before one update. */
  accumulate: count.default(1),
  /** Learning rate of each layer relative to the one above it (BEiT's layer-wise decay); 1 is none. */
  layerDecay: positive.max(1).default(1),
});

const scheduleSchema = z.strictObject({
  name: z.enum(["constant", "step", "cosine", "onecycle"]).default("onecycle"),
  /** Epochs of linear warm-up (constant, step, cosine); share of the run that rises (onecycle). */
  warmup: z.number().min(0).optional(),
  /** step: every so many epochs … */
  stepSize: count.default(10),
  /** … the rate is multiplied by this. */
  gamma: positive.default(0.1),
  /** cosine: the last rate, as a share of the peak. */
  floor: share.default(0),
});

const lossSchema = z.strictObject({
  name: z.enum(["crossEntropy", "focal"]).default("crossEntropy"),
  labelSmoothing: share.default(0),
  /** Focusing parameter γ of the focal loss (Lin et al. 2017). */
  gamma: z.number().min(0).default(2),
  /** Weight of each class: none, by inverse frequency, by effective number (Cui et al. 2019), or given. */
  classWeights: z
    .union([z.enum(["none", "inverse", "effective"]), z.array(positive).min(2)])
    .default("none"),
});

const augmentationSchema = z
  .unknown()
  .default("galaxy")
  .transform((given, context) => {
    try {
      return parseAugmentation(given);
    } catch (error) {
      context.addIssue(error instanceof UserError ? error.problem : String(error));
      return z.NEVER;
    }
  });

const stageSchema = z.strictObject({
  epochs: count,
  /** Which part stays as it is: all but the classifier, the first n layers, or nothing. */
  freeze: z.union([z.enum(["backbone", "none"]), count]).default("none"),
  learningRate: positive.optional(),
});

const earlyStoppingSchema = z.strictObject({
  /** Column of the history. */
  metric: z.enum(["valLoss", "valAccuracy", "valMacroF1"]).default("valLoss"),
  /** Epochs without improvement before the run ends; 0 never ends it. */
  patience: z.int().min(0).default(0),
});

/** Who is told how the training goes; the result does not depend on it. */
const logSchema = z.strictObject({
  /** Event files in the run's folder. */
  tensorboard: z.boolean().default(true),
  mlflow: z
    .strictObject({
      /** Address of an MLflow server, such as `http://127.0.0.1:5000`. */
      uri: z.url({ protocol: /^https?$/ }),
      experiment: z.string().min(1).default("tuning-fork"),
    })
    .optional(),
});

/** Everything that decides how a model is trained. */
export const trainConfigSchema = z.strictObject({
  /** Of initial weights, order, dropout and augmentation. */
  seed: z.int().default(42),
  epochs: count.default(20),
  batchSize: count.default(64),
  precision: z.enum(["float32", "mixed_bfloat16"]).default("float32"),
  optimizer: optimizerSchema.prefault({}),
  schedule: scheduleSchema.prefault({}),
  loss: lossSchema.prefault({}),
  /** A preset's name (none, galaxy, strong), or a mapping of parts, `preset` among them. */
  augmentation: augmentationSchema,
  /** `balanced` draws every class equally often. */
  sampling: z.enum(["natural", "balanced"]).default("natural"),
  /** Decay of the weights' moving average, which is then evaluated and kept; 0 is off. */
  ema: share.default(0),
  /** Staged fine-tuning; the stages' epochs replace `epochs`. */
  stages: z.array(stageSchema).min(1).optional(),
  earlyStopping: earlyStoppingSchema.prefault({}),
  /** Which epoch is `best`: the one with the best value of this column. */
  selectBy: z.enum(["valLoss", "valAccuracy", "valMacroF1"]).default("valAccuracy"),
  /** Epochs between two evaluations on the validation split. */
  evaluateEvery: count.default(1),
  /** Seconds between two checkpoints within an epoch; one is always written at an epoch's end. */
  checkpointSeconds: positive.default(300),
  log: logSchema.prefault({}),
});

export type TrainConfig = z.output<typeof trainConfigSchema>;
/** What a person writes: every key may be left out. */
export type TrainSettings = z.input<typeof trainConfigSchema>;

/** How a run's model answers: for its own `predictions.csv`, and whenever it is asked again later. */
export const predictConfigSchema = z.strictObject({
  /** Images that are computed at once; answers differ in the last digits with it. Default 64. */
  batchSize: count.default(64),
  /** `mixed_bfloat16` is faster where the processor has it, and less exact. Default `float32`. */
  precision: z.enum(["float32", "mixed_bfloat16"]).default("float32"),
  /** Average the answers over each galaxy's eight orientations: eight times the work. Default false. */
  testTimeAugmentation: z.boolean().default(false),
});

export type PredictConfig = z.output<typeof predictConfigSchema>;

/** What is trained on what, and how: the contents of a run's `config.yaml`. */
export const experimentSchema = z.strictObject({
  data: z.strictObject({
    /** A registered name, an `.h5` file in Galaxy10's layout, or a folder of class folders. */
    spec: z.string().min(1),
    /** Side in pixels that images are brought to; left out, the model's own. */
    size: count.optional(),
    /** Side in source pixels cut out of the middle before resizing; left out, everything. */
    crop: count.optional(),
    /** Shares of train, validation and test. */
    split: z.tuple([share, share, share]).default([0.64, 0.16, 0.2]),
    splitSeed: z.int().default(42),
    /** Share of the rows that is used at all, drawn class by class. */
    fraction: positive.max(1).default(1),
    /**
     * Learn from as many galaxies of each class: `undersample` draws as many as the rarest class
     * has, `oversample` repeats those of rarer classes. Training and validation only; the test split stays as it is.
     */
    balance: z.enum(["undersample", "oversample"]).optional(),
    skipBad: z.boolean().default(false),
  }),
  model: z.strictObject({
    name: z.string().min(1),
    dropout: share.optional(),
    dropPath: share.optional(),
    /**
     * What to start from: a `.safetensors` file, or `published` for the weights that the model was
     * published with, fetched once. The classifier is replaced where the classes differ.
     */
    weights: z.string().optional(),
  }),
  train: trainConfigSchema.prefault({}),
  predict: predictConfigSchema.prefault({}),
});

export type Experiment = z.output<typeof experimentSchema>;
export type ExperimentSettings = z.input<typeof experimentSchema>;

/**
 * Check settings and fill in the defaults.
 *
 * @param source Where they come from, for the message.
 * @throws UserError naming each key, what is wrong with it and what was expected.
 */
export function parseConfig<S extends z.ZodType>(
  schema: S,
  settings: unknown,
  source = "the config",
): z.output<S> {
  const result = schema.safeParse(settings);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const key = issue.path.join(".") || "(top)";
    return `${key}: ${issue.message}`;
  });
  throw new UserError(`${source} is not valid: ${problems.join("; ")}`, "correct the keys named");
}

/**
 * Apply `key.path=value` assignments, values read as YAML scalars or lists would be.
 *
 * @returns a copy with the assignments made.
 */
export function withAssignments(
  settings: Record<string, unknown>,
  assignments: readonly string[],
  readValue: (text: string) => unknown,
): Record<string, unknown> {
  const result = structuredClone(settings);
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    if (at < 1) {
      throw new UserError(
        `--set ${assignment} is not key=value`,
        "write for example --set train.epochs=5",
      );
    }
    const keys = assignment.slice(0, at).split(".");
    let target = result;
    for (const key of keys.slice(0, -1)) {
      const inner = target[key];
      if (typeof inner !== "object" || inner === null || Array.isArray(inner)) target[key] = {};
      target = target[key] as Record<string, unknown>;
    }
    target[keys[keys.length - 1]] = readValue(assignment.slice(at + 1));
  }
  return result;
}

/** Settings as a table for people: one row a key, such as `train.optimizer.learningRate`. */
export function settingsColumns(settings: object): { setting: string[]; value: string[] } {
  const rows = (value: unknown, path: string): [string, string][] => {
    if (typeof value !== "object" || value === null) return [[path, String(value)]];
    if (Array.isArray(value)) return [[path, JSON.stringify(value)]];
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .flatMap(([key, inner]) => rows(inner, path === "" ? key : `${path}.${key}`));
  };
  const found = rows(settings, "");
  return { setting: found.map(([key]) => key), value: found.map(([, value]) => value) };
}

/** The keys on which two configs differ, each as `key: before → after`. */
export function configDifferences(before: unknown, after: unknown, path = ""): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isPlain = (v: unknown): v is Record<string, unknown> =>
    typeof v === "object" && v !== null && !Array.isArray(v);
  if (!isPlain(before) || !isPlain(after)) {
    return [`${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) =>
    configDifferences(before[key], after[key], path === "" ? key : `${path}.${key}`),
  );
}
