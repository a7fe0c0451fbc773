import {
  type BoostedTrees,
  boosterLibrary,
  boostSchema,
  mapMatrix,
  matrixOf,
  trainTrees,
} from "tuning-fork/boost";
import { expectType, type Same } from "./expect-type";

export async function calls(values: Float32Array, targets: Float32Array) {
  const config = boostSchema.parse({ rounds: 100, params: { max_depth: 4 } });
  const features = matrixOf(values, 64);
  const { signal } = new AbortController();
  const train = { features, targets };
  const trees = await trainTrees(
    boosterLibrary("xgboost"),
    { names: ["smooth"], train, val: train },
    config,
    { signal, onProgress: (done, total) => console.log(done / total) },
  );
  expectType<Same<typeof trees, BoostedTrees>>();
  const answers = await trees.predict(mapMatrix("features.npy"));
  expectType<Same<typeof answers, Float64Array>>();
  const [booster] = trees.boosters;
  expectType<Same<ReturnType<typeof booster.serialize>, Uint8Array>>();
  // @ts-expect-error: how wide each row is
  matrixOf(values);
  // @ts-expect-error: features are float32
  matrixOf(new Float64Array(64), 64);
  // @ts-expect-error: the name of a library is not the library
  await trainTrees("xgboost", { names: ["smooth"], train }, config);
  // @ts-expect-error: answers have names
  await trainTrees(boosterLibrary("lightgbm"), { train }, config);
  trees.dispose();
}
