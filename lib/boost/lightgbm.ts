import { UserError } from "../core/errors";
import type { BoostMatrix } from "./boost-matrix";
import {
  type BinnedData,
  type Booster,
  type BoosterLibrary,
  type BoosterTraining,
  type LibraryConfig,
  refuseDecided,
  refuseUnknown,
} from "./booster-library";
import { handleFrom, NativeLibrary, type Out } from "./native-library";

const TITLE = "LightGBM";
const FLOAT32 = 0;

/** What other settings decide. */
const DECIDED = {
  ...{ learning_rate: "learningRate", objective: "loss", metric: "loss", seed: "seed" },
  ...{ num_threads: "threads", num_iterations: "rounds", early_stopping_round: "patience" },
  ...{ device_type: "this library: cpu", deterministic: "this library: true" },
};

let native: ReturnType<typeof load> | undefined;
const api = () => {
  native ??= load();
  return native;
};

function load() {
  const library = NativeLibrary.load({
    title: TITLE,
    folder: "lightgbm",
    library: "lib/lib_lightgbm.so",
    distribution: "lightgbm",
    oldest: "4.7.0",
  });
  library.lastError = library.plain("const char *LGBM_GetLastError()");
  const f = (prototype: string) => library.func(`int LGBM_${prototype}`);
  return {
    version: library.version,
    dataset: f(
      "DatasetCreateFromMat(void *values, int type, int32_t rows, int32_t width, int rowMajor, const char *params, void *like, _Out_ void **out)",
    ),
    setField: f("DatasetSetField(void *data, const char *name, void *values, int count, int type)"),
    freeDataset: f("DatasetFree(void *data)"),
    create: f("BoosterCreate(void *data, const char *params, _Out_ void **out)"),
    addValidation: f("BoosterAddValidData(void *booster, void *data)"),
    free: f("BoosterFree(void *booster)"),
    update: f("BoosterUpdateOneIter(void *booster, _Out_ int *finished)"),
    evaluate: f("BoosterGetEval(void *booster, int data, _Out_ int *count, _Out_ double *values)"),
    rounds: f("BoosterGetCurrentIteration(void *booster, _Out_ int *out)"),
    width: f("BoosterGetNumFeature(void *booster, _Out_ int *out)"),
    predict: f(
      "BoosterPredictForMat(void *booster, void *values, int type, int32_t rows, int32_t width, int rowMajor, int kind, int from, int count, const char *params, _Out_ int64_t *length, void *answers)",
    ),
    importance: f("BoosterFeatureImportance(void *booster, int rounds, int kind, void *values)"),
    save: f(
      "BoosterSaveModelToString(void *booster, int from, int count, int importance, int64_t size, _Out_ int64_t *length, void *text)",
    ),
    load: f("BoosterLoadModelFromString(const char *text, _Out_ int *rounds, _Out_ void **out)"),
    aliases: f("DumpParamAliases(int64_t size, _Out_ int64_t *length, void *text)"),
  };
}

function paramsText({ threads, loss, learningRate, seed, params }: LibraryConfig): string {
  const all = {
    objective: loss === "squaredError" ? "regression" : "cross_entropy",
    learning_rate: learningRate,
    seed,
    num_threads: threads,
    verbosity: -1,
    // The same trees however many threads there are; and no race between two ways of counting.
    deterministic: true,
    force_col_wise: !("force_row_wise" in params),
    ...params,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function bin(features: BoostMatrix, config: LibraryConfig, like?: BinnedData): BinnedData {
  const x = api();
  const { address, rows, width } = features;
  const reference = like?.handle ?? null;
  const params = paramsText(config);
  const handle = handleFrom((out) =>
    x.dataset(address, FLOAT32, rows, width, 1, params, reference, out),
  );
  return {
    handle,
    rows,
    setTarget(target, weights) {
      x.setField(handle, "label", target, rows, FLOAT32);
      x.setField(handle, "weight", weights ?? null, weights ? rows : 0, FLOAT32);
    },
    dispose: () => x.freeDataset(handle),
  };
}

function begin(config: LibraryConfig, train: BinnedData, val?: BinnedData): BoosterTraining {
  const x = api();
  refuseDecided(config.params, DECIDED);
  refuseUnknown(TITLE, config.params, knownParams());
  const booster = handleFrom((out) => x.create(train.handle, paramsText(config), out));
  try {
    if (val !== undefined) x.addValidation(booster, val.handle);
  } catch (error) {
    x.free(booster);
    throw error;
  }
  return {
    update() {
      const finished: Out<number> = [null];
      x.update(booster, finished);
      return finished[0] === 1;
    },
    losses: () =>
      [0, 1].slice(0, val === undefined ? 1 : 2).map((data) => {
        const values = [Number.NaN];
        x.evaluate(booster, data, [null], values);
        return values[0];
      }),
    finish: (rounds) => loadText(textOf(booster, rounds), "what was learned"),
    dispose: () => x.free(booster),
  };
}

/** Every parameter that there is, with its other names. */
function knownParams(): string[] {
  const text = textBy((size, length, into) => api().aliases(size, length, into));
  const aliases = JSON.parse(text) as Record<string, string[]>;
  return Object.entries(aliases).flat(2);
}

/** The model file of the first rounds. */
function textOf(booster: bigint, rounds: number): string {
  return textBy((size, length, into) => api().save(booster, 0, rounds, 1, size, length, into));
}

/** A text of which nobody knows the length before. */
function textBy(fill: (size: number, length: Out<number>, into: Buffer) => void): string {
  const length: Out<number> = [null];
  let buffer = Buffer.alloc(1 << 16);
  fill(buffer.length, length, buffer);
  if (Number(length[0]) > buffer.length) {
    buffer = Buffer.alloc(Number(length[0]));
    fill(buffer.length, length, buffer);
  }
  return buffer.toString("utf8", 0, Number(length[0]) - 1);
}

function loadText(text: string, source: string): Booster {
  const x = api();
  const refuse = (cause?: unknown): never => {
    throw new UserError(`${source} is no model of ${TITLE}`, "train it again", { cause });
  };
  // The library would print what it cannot read, too.
  if (!text.startsWith("tree\n") || !text.includes("\nend of trees\n")) refuse();
  let booster: bigint;
  try {
    booster = handleFrom((out) => x.load(text, [null], out));
  } catch (cause) {
    return refuse(cause);
  }
  const [rounds, width]: [Out<number>, Out<number>] = [[null], [null]];
  x.rounds(booster, rounds);
  x.width(booster, width);
  return {
    rounds: Number(rounds[0]),
    async predict({ address, rows, width }) {
      const answers = new Float64Array(rows);
      const length: Out<number> = [null];
      const all = [address, FLOAT32, rows, width, 1, 0, 0, -1, "verbosity=-1", length, answers];
      await x.predict.inBackground(booster, ...all);
      return answers;
    },
    importance() {
      const gains = new Float64Array(Number(width[0]));
      x.importance(booster, -1, 1, gains);
      return gains;
    },
    serialize: () => Buffer.from(textOf(booster, -1)),
    dispose: () => x.free(booster),
  };
}

/** LightGBM (Ke et al. 2017): trees grown leaf by leaf, a booster an answer. */
export const lightgbm: BoosterLibrary = {
  name: "lightgbm",
  title: TITLE,
  extension: ".txt",
  version: () => api().version,
  bin,
  begin,
  load: (bytes, source) => loadText(Buffer.from(bytes).toString("utf8"), source),
};
