import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { mapMatrix, matrixOf } from "#lib/boost/boost-matrix";
import { boostSchema } from "#lib/boost/boost-settings";
import { type BoostedTrees, trainTrees } from "#lib/boost/boosted-trees";
import { NativeLibrary } from "#lib/boost/native-library";
import { boosterLibraries } from "#lib/boost/registry";
import type { UserError } from "#lib/core/errors";
import { encodeNpy } from "#lib/io/npy";

interface Expected {
  readonly rounds: number;
  readonly train: readonly number[];
  readonly val: readonly number[];
  readonly predictions: readonly number[];
  readonly gains: readonly number[];
  readonly model?: string;
}
interface Case {
  readonly loss: "squaredError" | "crossEntropy";
  readonly features: "whole" | "holed";
  readonly target: readonly (number | null)[];
  readonly params: Readonly<Record<string, Record<string, number>>>;
  readonly [library: string]: unknown;
}

const fixture = JSON.parse(
  readFileSync(resolve(__dirname, "../fixtures/boost/boosted-trees.json"), "utf8"),
);
const cases = fixture.cases as Readonly<Record<string, Case>>;
const { width, trainRows, settings } = fixture;
const numbers = (values: readonly (number | null)[]) =>
  Float32Array.from(values, (value) => value ?? Number.NaN);
const features = { whole: numbers(fixture.whole), holed: numbers(fixture.holed) };

function inputs({ features: which, target }: Case, names = ["answer"]) {
  const [x, y] = [features[which], numbers(target)];
  const repeated = (values: Float32Array) =>
    Float32Array.from({ length: values.length * names.length }, (_, i) => {
      return values[Math.floor(i / names.length)];
    });
  return {
    names,
    train: {
      features: matrixOf(x.slice(0, trainRows * width), width),
      targets: repeated(y.slice(0, trainRows)),
    },
    val: {
      features: matrixOf(x.slice(trainRows * width), width),
      targets: repeated(y.slice(trainRows)),
    },
  };
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    assert.ok(error <= tolerance, `${i}: ${actual[i]}, expected ${expected[i]}`);
  }
}

for (const library of boosterLibraries) {
  describe(`boosted trees of ${library.title}`, function () {
    this.timeout(30_000);
    const held: BoostedTrees[] = [];
    after(() => {
      for (const trees of held) trees.dispose();
    });
    const train = async (one: Case, more: object = {}, names?: string[]) => {
      const params = one.params[library.name] ?? {};
      const config = boostSchema.parse({ ...settings, loss: one.loss, params, ...more });
      const trees = await trainTrees(library, inputs(one, names), config);
      held.push(trees);
      return trees;
    };

    it("has the version that the fixtures were made with", () => {
      assert.equal(library.version(), fixture.versions[library.name]);
    });

    for (const [name, one] of Object.entries(cases)) {
      it(`learns what its Python package learns: ${name}`, async () => {
        const expected = one[library.name] as Expected;
        const trees = await train(one);
        const [history] = trees.history;
        assert.equal(trees.boosters[0].rounds, expected.rounds);
        close(history.train, expected.train, 1e-6);
        close(history.val, expected.val, 1e-6);
        const all = matrixOf(features[one.features], width);
        close(await trees.predict(all), expected.predictions, 1e-6);
        const gains = trees.boosters[0].importance();
        close(gains, expected.gains, 1e-3 * Math.max(...expected.gains));
      });
    }

    it("reads a model that Python wrote, and writes what it reads", async () => {
      const { model, predictions } = cases.squaredError[library.name] as Expected;
      const booster = library.load(Buffer.from(model ?? "", "base64"), "model");
      const again = library.load(booster.serialize(), "again");
      const all = matrixOf(features.whole, width);
      close(await booster.predict(all), predictions, 1e-6);
      assert.deepEqual(await again.predict(all), await booster.predict(all));
      booster.dispose();
      again.dispose();
      assert.throws(() => library.load(Buffer.from("no model"), "x.txt"), /x\.txt is no model of/);
    });

    it("learns many answers at a time as it learns one", async () => {
      const one = await train(cases.squaredError, { threads: 1 });
      const three = await train(cases.squaredError, { threads: 3 }, ["a", "b", "c"]);
      const all = matrixOf(features.whole, width);
      const [single, many] = [await one.predict(all), await three.predict(all)];
      close(
        many,
        Array.from(many, (_, i) => single[Math.floor(i / 3)]),
        1e-6,
      );
      assert.equal(
        three
          .importance()
          .reduce((a, b) => a + b)
          .toFixed(6),
        "1.000000",
      );
    });
  });
}

describe("boosting", function () {
  this.timeout(60_000);
  const [xgboost, lightgbm] = boosterLibraries;
  const config = boostSchema.parse({ ...settings, rounds: 5, threads: 2 });
  const given = () => inputs(cases.squaredError);

  it("says what it was given that is odd", async () => {
    const { train, val } = inputs(cases["holes in the features"], ["same", "unknown", "unjudged"]);
    const [targets, judged] = [train.targets.slice(), val.targets.slice()];
    for (let at = 0; at < targets.length; at += 3) targets.set([0.25, Number.NaN], at);
    for (let at = 0; at < judged.length; at += 3) judged[at + 2] = Number.NaN;
    for (const library of boosterLibraries) {
      const trees = await trainTrees(
        library,
        {
          names: ["same", "unknown", "unjudged"],
          train: { ...train, targets },
          val: { ...val, targets: judged },
        },
        config,
      );
      const said = trees.notices.join("\n");
      assert.match(said, /^\d+ of 3840 features are NaN: the trees take them as not known/);
      assert.match(said, /same is 0\.25 for every galaxy that is learned from/);
      assert.match(said, /nothing is known of unknown in the training data/);
      assert.match(said, /nothing is known of unjudged in the validation data/);
      const answers = await trees.predict(train.features);
      close(answers.slice(0, 2), [0.25, 0], 1e-6);
      assert.equal(trees.history[2].val.length, 0);
      trees.dispose();
    }
  });

  it("tells each round, and stops where it is told to", async () => {
    for (const library of boosterLibraries) {
      const ended = new AbortController();
      const rounds: number[] = [];
      const total = 2 * 1000;
      const long = { ...config, rounds: 1000, patience: 0 };
      const training = trainTrees(library, inputs(cases.squaredError, ["a", "b"]), long, {
        signal: ended.signal,
        onProgress: (done, of) => {
          rounds.push(done);
          assert.equal(of, total);
          if (done === 20) ended.abort(new Error("enough"));
        },
      });
      await assert.rejects(training, /enough/);
      assert.deepEqual(rounds.slice(0, 5), [1, 2, 3, 4, 5]);
      assert.ok(rounds.length < 500, `${rounds.length} rounds`);
    }
  });

  it("keeps the messages of the libraries", async () => {
    const trained = (library: typeof xgboost, params: Record<string, string | number>) =>
      trainTrees(library, given(), { ...config, params });
    await assert.rejects(trained(xgboost, { max_depth: "deep" }), (error: UserError) => {
      assert.match(error.message, /XGBoost: .*Invalid Parameter format for max_depth.*'deep'/s);
      return !/Stack trace|libxgboost\.so/.test(error.message);
    });
    await assert.rejects(trained(xgboost, { max_dept: 3 }), /no parameter "max_dept".*max_depth/s);
    await assert.rejects(trained(xgboost, { eta: 1 }), /params\.eta is decided by learningRate/);
    await assert.rejects(trained(lightgbm, { num_leaves: 1 }), /LightGBM: .*num_leaves/s);
    await assert.rejects(trained(lightgbm, { leafs: 3 }), /LightGBM has no parameter "leafs"/);
    await assert.rejects(trained(lightgbm, { objective: "x" }), /objective is decided by loss/);
  });

  it("refuses shapes that do not fit, and numbers that are none", async () => {
    assert.throws(() => matrixOf(new Float32Array(7), 2), /not a whole number of rows/);
    assert.throws(() => matrixOf(Float32Array.of(1, 1 / 0), 2), /feature 2 of row 1 is Infinity/);
    const { train, ...others } = given();
    const few = { ...train, targets: train.targets.slice(1) };
    await assert.rejects(trainTrees(xgboost, { ...others, train: few }, config), /319 targets/);
    const narrow = { ...train, features: matrixOf(new Float32Array(trainRows), 1) };
    await assert.rejects(
      trainTrees(xgboost, { ...others, train, val: narrow }, config),
      /1 features, the training data 12/,
    );
  });

  it("reads features out of a file as out of memory", async () => {
    const folder = mkdtempSync(join(tmpdir(), "features-"));
    const path = join(folder, "x.npy");
    const values = Float32Array.from(features.whole);
    writeFileSync(path, encodeNpy(values, [values.length / width, width]));
    const mapped = mapMatrix(path);
    try {
      assert.deepEqual([mapped.rows, mapped.width], [values.length / width, width]);
      for (const library of boosterLibraries) {
        const trees = await trainTrees(library, given(), config);
        assert.deepEqual(await trees.predict(mapped), await trees.predict(matrixOf(values, width)));
        trees.dispose();
      }
      const odd = values.slice();
      odd[5] = odd[values.length - 1] = Number.NaN;
      writeFileSync(join(folder, "nan.npy"), encodeNpy(odd, [480, 12]));
      const holes = mapMatrix(join(folder, "nan.npy"));
      assert.deepEqual(holes.notices, matrixOf(odd, width).notices);
      assert.match(holes.notices[0], /^2 of 5760 features are NaN/);
      holes.close();
      odd[12 * 7 + 3] = Number.POSITIVE_INFINITY;
      writeFileSync(join(folder, "infinite.npy"), encodeNpy(odd, [480, 12]));
      assert.throws(() => mapMatrix(join(folder, "infinite.npy")), /feature 4 of row 8 is Infin/);
      writeFileSync(join(folder, "y.npy"), encodeNpy(values, [values.length]));
      assert.throws(() => mapMatrix(join(folder, "y.npy")), /has the shape 5760/);
      writeFileSync(join(folder, "z.npy"), encodeNpy(values, [480, 12]).subarray(0, 5000));
      assert.throws(() => mapMatrix(join(folder, "z.npy")), /has 5000 bytes/);
    } finally {
      mapped.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("bins as finely as it is told", async () => {
    const answers: number[][] = [];
    const settings: Record<string, number>[] = [{}, { max_bin: 4 }];
    for (const library of boosterLibraries) {
      for (const params of settings) {
        const trees = await trainTrees(library, given(), { ...config, params });
        answers.push(Array.from(await trees.predict(given().train.features)));
        trees.dispose();
      }
      assert.notDeepEqual(answers.pop(), answers.pop());
    }
  });

  it("says what is wrong with a wheel", () => {
    const folder = mkdtempSync(join(tmpdir(), "wheels-"));
    const wheel = {
      title: "Trees",
      folder: "trees",
      library: "lib/libtrees.so",
      distribution: "trees_cpu",
      oldest: "3.2.0",
    };
    const load = () => NativeLibrary.load(wheel, folder);
    try {
      assert.throws(load, /Trees is not installed in .*npm run setup/s);
      mkdirSync(join(folder, "trees/lib"), { recursive: true });
      assert.throws(load, /the wheel of Trees lacks its library .*libtrees\.so/);
      writeFileSync(join(folder, "trees/lib/libtrees.so"), "no library");
      assert.throws(load, /Trees of an unknown version is installed/);
      mkdirSync(join(folder, "trees_cpu-3.1.9.dist-info"));
      const metadata = join(folder, "trees_cpu-3.1.9.dist-info/METADATA");
      writeFileSync(metadata, "Metadata-Version: 2.1\nVersion: 3.1.9\n");
      assert.throws(load, /Trees 3\.1\.9 is installed in .*; 3\.2\.0 or newer is needed/);
      writeFileSync(metadata, "Version: 3.10.0\n");
      assert.throws(load, /libtrees\.so does not load: /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
