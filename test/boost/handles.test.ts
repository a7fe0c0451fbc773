import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { matrixOf } from "#lib/boost/boost-matrix";
import { boostSchema } from "#lib/boost/boost-settings";
import { boosterLibraries } from "#lib/boost/registry";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Bytes that the process has more after so many rounds, besides what JavaScript has left lying about. */
function grownBy(round: () => void, rounds: number): number {
  for (let i = 0; i < 3; i++) round();
  collectGarbage();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < rounds; i++) round();
  collectGarbage();
  return process.memoryUsage.rss() - before;
}

describe("handles of the boosting libraries", function () {
  this.timeout(60_000);
  const config = boostSchema.parse({ rounds: 5, threads: 1 });
  const [, lightgbm] = boosterLibraries;

  it("frees every handle", () => {
    const values = Float32Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 1009);
    const matrix = matrixOf(values, 50);
    const target = Float32Array.from({ length: matrix.rows }, (_, i) => values[i * 50] / 1009);
    for (const library of boosterLibraries) {
      const once = () => {
        const train = library.bin(matrix, config);
        const val = library.bin(matrix, config, train);
        train.setTarget(target, new Float32Array(target.length).fill(1));
        val.setTarget(target);
        const training = library.begin(config, train, val);
        training.update();
        const booster = training.finish(1);
        booster.serialize();
        for (const handle of [booster, training, val, train]) handle.dispose();
      };
      const grown = grownBy(once, 15) / values.byteLength;
      assert.ok(grown < 6, `${library.name} keeps ${grown.toFixed(1)} times the features`);
    }
  });

  it("frees a booster that its validation data do not suit", () => {
    const values = Float32Array.from({ length: 400_000 }, (_, i) => (i * 7919) % 1009);
    const [matrix, other] = [matrixOf(values, 2), matrixOf(values.slice(0, 400), 4)];
    const train = lightgbm.bin(matrix, config);
    train.setTarget(new Float32Array(matrix.rows));
    const val = lightgbm.bin(other, config);
    const refused = () => assert.throws(() => lightgbm.begin(config, train, val), /LightGBM: /);
    const grown = grownBy(refused, 20) / 2 ** 20;
    assert.ok(grown < 30, `${grown.toFixed(0)} MB`);
    train.dispose();
    val.dispose();
  });
});
