import { UserError } from "../core/errors";
import { type BoostMatrix, rowsOf } from "./boost-matrix";
import {
  type BinnedData,
  type Booster,
  type BoosterLibrary,
  type BoosterTraining,
  type LibraryConfig,
  refuseDecided,
  refuseUnknown,
} from "./booster-library";
import { handleFrom, koffi, NativeLibrary, type Out } from "./native-library";

const TITLE = "XGBoost";
/** Rows that are predicted at once: what koffi gives out of a C array is bounded. */
const PIECE = 1 << 20;

/** What other settings decide. */
const DECIDED = {
  ...{ eta: "learningRate", learning_rate: "learningRate", objective: "loss", seed: "seed" },
  ...{ nthread: "threads", tree_method: "this library: it is hist", device: "this library: cpu" },
  ...{ multi_strategy: "this library: each answer has a booster", num_class: "this library" },
};

let native: ReturnType<typeof load> | undefined;
const api = () => {
  native ??= load();
  return native;
};

function load() {
  const library = NativeLibrary.load({
    title: TITLE,
    folder: "xgboost",
    library: "lib/libxgboost.so",
    distribution: "xgboost_cpu",
    oldest: "3.2.0",
  });
  library.lastError = library.plain("const char *XGBGetLastError()");
  const next = koffi().proto("int XGBoostNext(void *iterator)");
  const reset = koffi().proto("void XGBoostReset(void *iterator)");
  const f = (prototype: string) => library.func(`int ${prototype}`);
  f("XGBSetGlobalConfig(const char *config)")('{"verbosity": 0}');
  return {
    version: library.version,
    pointers: { next: koffi().pointer(next), reset: koffi().pointer(reset) },
    proxy: f("XGProxyDMatrixCreate(_Out_ void **out)"),
    setDense: f("XGProxyDMatrixSetDataDense(void *proxy, const char *array)"),
    quantile: f(
      "XGQuantileDMatrixCreateFromCallback(void *iterator, void *proxy, void *like, XGBoostReset *reset, XGBoostNext *next, const char *config, _Out_ void **out)",
    ),
    setInfo: f("XGDMatrixSetInfoFromInterface(void *matrix, const char *field, const char *array)"),
    freeMatrix: f("XGDMatrixFree(void *matrix)"),
    create: f("XGBoosterCreate(void **matrices, uint64_t count, _Out_ void **out)"),
    free: f("XGBoosterFree(void *booster)"),
    setParam: f("XGBoosterSetParam(void *booster, const char *name, const char *value)"),
    update: f("XGBoosterUpdateOneIter(void *booster, int iteration, void *matrix)"),
    evaluate: f(
      "XGBoosterEvalOneIter(void *booster, int iteration, void **matrices, const char **names, uint64_t count, _Out_ const char **text)",
    ),
    width: f("XGBoosterGetNumFeature(void *booster, _Out_ uint64_t *out)"),
    slice: f("XGBoosterSlice(void *booster, int from, int to, int step, _Out_ void **out)"),
    rounds: f("XGBoosterBoostedRounds(void *booster, _Out_ int *out)"),
    predict: f(
      "XGBoosterPredictFromDense(void *booster, const char *array, const char *config, void *matrix, _Out_ void **shape, _Out_ uint64_t *dims, _Out_ void **values)",
    ),
    score: f(
      "XGBoosterFeatureScore(void *booster, const char *config, _Out_ uint64_t *count, _Out_ void **names, _Out_ uint64_t *dims, _Out_ void **shape, _Out_ void **scores)",
    ),
    config: f(
      "XGBoosterSaveJsonConfig(void *booster, _Out_ uint64_t *length, _Out_ const char **text)",
    ),
    save: f(
      "XGBoosterSaveModelToBuffer(void *booster, const char *config, _Out_ uint64_t *length, _Out_ void **bytes)",
    ),
    load: f("XGBoosterLoadModelFromBuffer(void *booster, void *bytes, uint64_t length)"),
  };
}

/** NumPy's description of an array in memory, as XGBoost takes it. */
function arrayInterface(address: bigint, shape: readonly number[]): string {
  return `{"data": [${address}, true], "shape": [${shape}], "typestr": "<f4", "version": 3}`;
}

const interfaceOf = ({ address, rows, width }: BoostMatrix) =>
  arrayInterface(address, [rows, width]);

/** Quantized by its own rows in one pass over the values, which are not copied. */
function bin(features: BoostMatrix, config: LibraryConfig, like?: BinnedData): BinnedData {
  const { pointers, ...x } = api();
  const proxy = handleFrom((out) => x.proxy(out));
  let done = false;
  const reset = koffi().register(() => {
    done = false;
  }, pointers.reset);
  const next = koffi().register(() => {
    if (done) return 0;
    done = true;
    x.setDense(proxy, interfaceOf(features));
    return 1;
  }, pointers.next);
  let handle: bigint;
  try {
    const { threads, params } = config;
    // The booster refuses data of another max_bin than its own.
    const how = `{"missing": NaN, "nthread": ${threads}, "max_bin": ${JSON.stringify(params.max_bin ?? 256)}}`;
    handle = handleFrom((out) =>
      x.quantile(null, proxy, like?.handle ?? null, reset, next, how, out),
    );
  } finally {
    koffi().unregister(next);
    koffi().unregister(reset);
    x.freeMatrix(proxy);
  }
  const set = (field: string, values: Float32Array) => {
    const address = values.length === 0 ? 0n : koffi().address(values);
    x.setInfo(handle, field, arrayInterface(address, [values.length]));
  };
  return {
    handle,
    rows: features.rows,
    setTarget(target, weights) {
      set("label", target);
      set("weight", weights ?? new Float32Array());
    },
    dispose: () => x.freeMatrix(handle),
  };
}

function begin(config: LibraryConfig, train: BinnedData, val?: BinnedData): BoosterTraining {
  const x = api();
  const data = val === undefined ? [train] : [train, val];
  const matrices = data.map(({ handle }) => handle);
  const names = ["train", "val"].slice(0, data.length);
  const booster = handleFrom((out) => x.create(matrices, matrices.length, out));
  const objective = config.loss === "squaredError" ? "reg:squarederror" : "binary:logistic";
  const params = {
    ...{ tree_method: "hist", objective, eta: config.learningRate, seed: config.seed },
    ...{ nthread: config.threads, ...config.params },
  };
  let iteration = 0;
  const training: BoosterTraining = {
    update() {
      x.update(booster, iteration, train.handle);
      // Names are known only when the trees' settings are.
      if (iteration++ === 0) refuseUnknown(TITLE, config.params, knownParams(booster));
      return false;
    },
    losses() {
      const text: Out<string> = [null];
      x.evaluate(booster, iteration - 1, matrices, names, matrices.length, text);
      const values = [...String(text[0]).matchAll(/:(\S+)/g)].map(([, value]) => Number(value));
      // The library's own metric is the root.
      return config.loss === "squaredError" ? values.map((rmse) => rmse ** 2) : values;
    },
    finish: (rounds) => boosterOf(handleFrom((out) => x.slice(booster, 0, rounds, 1, out))),
    dispose: () => x.free(booster),
  };
  try {
    refuseDecided(config.params, DECIDED);
    for (const [name, value] of Object.entries(params)) x.setParam(booster, name, String(value));
    return training;
  } catch (error) {
    training.dispose();
    throw error;
  }
}

/** Every name in the settings of a booster that has been configured. */
function knownParams(booster: bigint): string[] {
  const text: Out<string> = [null];
  api().config(booster, [null], text);
  const names = [...String(text[0]).matchAll(/"(\w+)":/g)].map(([, name]) => name);
  return [...names, ...ALIASES];
}

/** Other names of parameters, which the settings do not list. */
const ALIASES = "alpha lambda gamma max_bin reg_alpha reg_lambda min_split_loss".split(" ");

function boosterOf(booster: bigint): Booster {
  const x = api();
  const [rounds, width]: [Out<number>, Out<number>] = [[null], [null]];
  x.rounds(booster, rounds);
  x.width(booster, width);
  const ask = async (features: BoostMatrix) => {
    const values: Out<bigint> = [null];
    const config =
      '{"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false, "cache_id": 0, "missing": NaN}';
    const array = interfaceOf(features);
    await x.predict.inBackground(booster, array, config, null, [null], [null], values);
    return koffi().decode(values[0], "float", features.rows) as Float32Array;
  };
  return {
    rounds: Number(rounds[0]),
    async predict(features) {
      const answers = new Float64Array(features.rows);
      for (let from = 0; from < features.rows; from += PIECE) {
        const to = Math.min(from + PIECE, features.rows);
        answers.set(await ask(rowsOf(features, from, to)), from);
      }
      return answers;
    },
    importance() {
      const [count, names, scores]: [Out<number>, Out<bigint>, Out<bigint>] = [
        [null],
        [null],
        [null],
      ];
      x.score(booster, '{"importance_type": "total_gain"}', count, names, [null], [null], scores);
      const found = Number(count[0]);
      const features = koffi().decode(names[0], "char *", found) as string[];
      const gains = koffi().decode(scores[0], "float", found) as Float32Array;
      const gainOf = new Map(features.map((name, i) => [name, gains[i]]));
      return Float64Array.from({ length: Number(width[0]) }, (_, i) => gainOf.get(`f${i}`) ?? 0);
    },
    serialize() {
      const [length, bytes]: [Out<number>, Out<bigint>] = [[null], [null]];
      x.save(booster, '{"format": "ubj"}', length, bytes);
      return Uint8Array.from(koffi().decode(bytes[0], "uint8_t", Number(length[0])));
    },
    dispose: () => x.free(booster),
  };
}

function loadModel(bytes: Uint8Array, source: string): Booster {
  const x = api();
  const booster = handleFrom((out) => x.create([], 0, out));
  try {
    x.load(booster, bytes, bytes.length);
    return boosterOf(booster);
  } catch (cause) {
    x.free(booster);
    throw new UserError(`${source} is no model of ${TITLE}`, "train it again", { cause });
  }
}

/** XGBoost (Chen & Guestrin 2016, arXiv:1603.02754): trees by histograms, a booster an answer. */
export const xgboost: BoosterLibrary = {
  name: "xgboost",
  title: TITLE,
  extension: ".ubj",
  version: () => api().version,
  bin,
  begin,
  load: loadModel,
};
