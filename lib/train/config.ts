import { z } from "zod";
import { UserError } from "../core/errors";
import { type Augmentation, parseAugmentation } from "../data/augment";
import { SAMPLINGS } from "../data/sampling";
import { checkLoss, checkTaskSettings, type LossSettings } from "../tasks/registry";
import { optimizerSchema } from "./optimizer-settings";
import { scheduleSchema } from "./schedule";
import { count, positive, settings, share, shareBelowOne } from "./settings";

/** A key that something else checks, which throws a {@link UserError}. */
function checkedBy<In, Out>(check: (given: unknown) => Out): z.ZodType<Out, In> {
  const schema = z.unknown().transform((given, context) => {
    try {
      return check(given);
    } catch (error) {
      context.addIssue(error instanceof UserError ? error.problem : String(error));
      return z.NEVER;
    }
  });
  return schema as z.ZodType<Out, In>;
}

const stageSchema = settings({
  /** How long it lasts, epochs. */
  epochs: count,
  /**
   * What does not learn: `backbone` (all but the classifier), a number of layers from the bottom, or
   * `none`. Default `none`.
   */
  freeze: z.union([z.enum(["backbone", "none"]), count]).default("none"),
  /** Peak learning rate in this stage, above 0. Default: that of the optimizer. */
  learningRate: positive.optional(),
});

const earlyStoppingSchema = settings({
  /**
   * Column of the history that must get better, such as `valAccuracy`; only with `patience`. Default
   * `valLoss`, or what `monitor` is by default where a task has no loss of single galaxies.
   */
  metric: z.string().min(1).optional(),
  /** Epochs without a better value after which the run ends; 0, the default, never ends it. */
  patience: z.int().min(0).default(0),
});

/** Who is told how the training goes; the result does not depend on it. */
const logSchema = settings({
  /** Write event files for TensorBoard into the run's folder. Default true. */
  tensorboard: z.boolean().default(true),
  /** Report to an MLflow server. Default: none. */
  mlflow: settings({
    /** Address of the server, such as `http://127.0.0.1:5000`. */
    uri: z.url({ protocol: /^https?$/ }),
    /** Name of the experiment that the run belongs to, made where it is not there. Default `tuning-fork`. */
    experiment: z.string().min(1).default("tuning-fork"),
  }).optional(),
});

/** Epochs where nobody says how many. */
const USUAL_EPOCHS = 20;

const trainSettings = settings({
  /** Of initial weights, order, dropout and augmentation. Default 42. */
  seed: z.int().default(42),
  /** How often the training rows are gone through. Default 20; with `stages` the sum of theirs. */
  epochs: count.optional(),
  /**
   * Images that make one epoch: training rows come again where there are fewer, and where there are more each epoch draws
   * some of them, so that a run takes as long with few labels as with many. Default: every row once.
   */
  imagesPerEpoch: count.optional(),
  /** Images that make one step. Default 64. */
  batchSize: count.default(64),
  /** `mixed_bfloat16` computes products in bfloat16 and keeps weights in float32. Default `float32`. */
  precision: z.enum(["float32", "mixed_bfloat16"]).default("float32"),
  /** What moves the weights. */
  optimizer: optimizerSchema.prefault({}),
  /** How the learning rate goes. */
  schedule: scheduleSchema.prefault({}),
  /** What is minimized: `name` and options of one of the task's losses. Default: its first. */
  loss: checkedBy<LossSettings, LossSettings>(checkLoss).prefault({}),
  /** A preset's name (none, galaxy, strong), or a mapping of parts, `preset` among them. Default `galaxy`. */
  augmentation: checkedBy<unknown, Augmentation>(parseAugmentation).prefault("galaxy"),
  /**
   * `natural`: every row once an epoch; `balanced`: every class equally often; `square-root`: as often as the root of its number of
   * rows says, between the two. Default `natural`.
   */
  sampling: z.enum(SAMPLINGS).default("natural"),
  /**
   * Decay of the weights' moving average at each update, from 0 to below 1; the average is then what
   * is evaluated and kept. 0, the default, is off.
   */
  ema: shareBelowOne.default(0),
  /** Fine-tuning in stages, one after another. Default: one, in which everything learns. */
  stages: z.array(stageSchema).min(1).optional(),
  /** When the run ends before its last epoch. */
  earlyStopping: earlyStoppingSchema.prefault({}),
  /**
   * Column of the history that says which epoch is best and kept, such as `valLoss`; `last` keeps the last one,
   * for schedules that end near zero and validation galaxies too few to choose by. Default: the
   * task's own, `valAccuracy` for classes. Without a validation split the last epoch is kept.
   */
  monitor: z.string().min(1).optional(),
  /** Epochs from one evaluation on the validation split to the next. Default 1. */
  validationInterval: count.default(1),
  /** Seconds between two checkpoints within an epoch; one is always written at an epoch's end. Default 300. */
  checkpointSeconds: positive.default(300),
  /** Who is told how the training goes. */
  log: logSchema.prefault({}),
});

/** Everything that decides how a model is trained. */
export const trainConfigSchema = trainSettings
  .superRefine(({ stages, epochs, earlyStopping, batchSize, augmentation, schedule }, context) => {
    const shortest = Math.min(
      ...(stages ?? [{ epochs: epochs ?? USUAL_EPOCHS }]).map((one) => one.epochs),
    );
    if ("warmupEpochs" in schedule && schedule.warmupEpochs > shortest) {
      const message = `is ${schedule.warmupEpochs}, and ${stages ? "a stage" : "the training"} ends after ${shortest}, before its learning rate has risen: take less, or more epochs`;
      context.addIssue({ code: "custom", path: ["schedule", "warmupEpochs"], message });
    }
    const mixing = (["mixup", "cutmix"] as const).filter((name) => augmentation[name] > 0);
    if (batchSize === 1 && mixing.length > 0) {
      const message = `${mixing.join(" and ")} mix the images of a batch, and batchSize is 1: take 2 or more, or set them to 0`;
      context.addIssue({ code: "custom", path: ["augmentation"], message });
    }
    const sum = stages?.reduce((total, stage) => total + stage.epochs, 0);
    if (sum !== undefined && epochs !== undefined && epochs !== sum) {
      const message = `is ${epochs}, and the stages have ${sum} epochs: leave it out`;
      context.addIssue({ code: "custom", path: ["epochs"], message });
    }
    if (earlyStopping.metric !== undefined && earlyStopping.patience === 0) {
      const message = "has no effect without patience: set how many epochs to wait";
      context.addIssue({ code: "custom", path: ["earlyStopping", "metric"], message });
    }
  })
  .transform(({ epochs, stages, ...others }) => ({
    ...others,
    /** Stages of a fine-tuning, one after another; none: everything learns from the start. */
    stages,
    /** How often the training rows are gone through. */
    epochs: stages?.reduce((total, stage) => total + stage.epochs, 0) ?? epochs ?? USUAL_EPOCHS,
  }));

/** How a model is trained: every key is there. */
export type TrainConfig = z.output<typeof trainConfigSchema>;
/** What a person writes: every key may be left out. */
export type TrainSettings = z.input<typeof trainConfigSchema>;

/** How a run's model answers: for its own `predictions.csv`, and whenever it is asked again later. */
export const predictConfigSchema = settings({
  /** Images that are computed at once; answers differ in the last digits with it. Default 64. */
  batchSize: count.default(64),
  /**
   * `mixed_bfloat16` is faster where the processor has it, and less exact; `bfloat16_products` has the products
   * alone in bfloat16, and is nearer to the answers of `float32`. Default `float32`.
   */
  precision: z.enum(["float32", "mixed_bfloat16", "bfloat16_products"]).default("float32"),
  /** Average the answers over each galaxy's eight orientations: eight times the work. Default false. */
  testTimeAugmentation: z.boolean().default(false),
  /**
   * Average the answers over as many passes in which dropout acts (Monte Carlo dropout): needs
   * `model.dropout` or `model.dropPath`. Default 0: one pass, nothing dropped.
   */
  dropoutSamples: z.int().min(0).max(1000).default(0),
  /**
   * Fit on the validation galaxies how sure the answers may be (a temperature of classes, strengths of
   * votes), and answer so from then on. Nothing is fitted where there is no validation split. Default true.
   */
  calibrate: z.boolean().default(true),
});

/** How a run's model answers. */
export type PredictConfig = z.output<typeof predictConfigSchema>;

const dataSchema = settings({
  /** A registered name, an `.h5` file in Galaxy10's layout, a CSV, or a folder of class folders. */
  spec: z.string().min(1),
  /** Side that images are brought to, pixels. Default: the model's own. */
  size: count.optional(),
  /** Side cut out of the middle before resizing, source pixels. Default: everything, of Galaxy Zoo's 424 pixels 224. */
  crop: count.optional(),
  /**
   * What the votes of a CSV are about: a decision tree (`gz2`, `gz2-main`, `decals`), or a YAML file of
   * questions. Default: the tree whose answers head the columns.
   */
  tree: z.string().min(1).optional(),
  /**
   * `debiased`: votes corrected for distance; `cast`: as volunteers gave them. Default: debiased ones
   * where the CSV has them.
   */
  votes: z.enum(["debiased", "cast"]).optional(),
  /** Shares of train, validation and test, in any unit; the first above 0. Default 0.64, 0.16, 0.2. */
  split: z.tuple([positive.max(1), share, share]).default([0.64, 0.16, 0.2]),
  /** Of the split, of `fraction` and of `balance`. Default 42. */
  splitSeed: z.int().default(42),
  /** Share of the rows that is used at all, drawn class by class, above 0. Default 1. */
  fraction: positive.max(1).default(1),
  /**
   * Learn from as many galaxies of each class: `undersample` draws as many as the rarest
   * class has, `oversample` repeats those of rarer classes. Training and validation only; the test split stays as it is.
   * Default: as they come.
   */
  balance: z.enum(["undersample", "oversample"]).optional(),
  /** Leave out images that cannot be read, instead of stopping. Default false. */
  skipBad: z.boolean().default(false),
});

const modelSchema = settings({
  /** Of an architecture, such as `resnet18`. */
  name: z.string().min(1),
  /** Share of features dropped before the classifier, from 0 to below 1. Default: the architecture's. */
  dropout: shareBelowOne.optional(),
  /** Share of residual branches dropped in the deepest block, from 0 to below 1. Default: the architecture's. */
  dropPath: shareBelowOne.optional(),
  /**
   * What to start from: a `.safetensors` file, the folder of a run, `published` for the weights that the model was
   * published with, or a model of the Hugging Face hub such as `hf_hub:mwalmsley/zoobot-encoder-convnext_nano`,
   * fetched once. The classifier is replaced where the outputs differ. Default: fresh
   * weights.
   */
  weights: z.string().min(1).optional(),
});

/** What is trained on what, and how: the contents of a run's `config.yaml`. */
export const experimentSchema = settings({
  /** What is learned from. */
  data: dataSchema,
  /** What the network is asked: the name of a task. Default: the first that fits the data. */
  task: z.string().min(1).optional(),
  /** What learns. */
  model: modelSchema,
  /** How it learns. */
  train: trainConfigSchema.prefault({}),
  /** How it answers. */
  predict: predictConfigSchema.prefault({}),
}).superRefine(({ task, train }, context) => {
  const problem = checkTaskSettings({ task, loss: train.loss });
  if (problem !== undefined) context.addIssue({ code: "custom", ...problem });
});

/** A checked experiment: every key is there. */
export type ExperimentConfig = z.output<typeof experimentSchema>;
/** What a person writes: only `data.spec` and `model.name` must be there. */
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
