import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import {
  clipByGlobalNorm,
  createOptimizer,
  moveAverages,
  type OptimizerOptions,
  squaredNorms,
} from "#lib/engine/optimizers";
import { startEngine } from "#lib/engine/start";

interface Fixture {
  weight: number[];
  bias: number[];
  gradients: [number[], number[]][];
  rates: number[];
  ema: number[][];
  cases: {
    title: string;
    options: OptimizerOptions;
    clip: number;
    scale: number;
    trace: [number[], number[]][];
  }[];
}

const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/engine/optimizers.json", "utf8"));

function close(got: ArrayLike<number>, expected: readonly number[], what: string) {
  expected.forEach((value, i) => {
    assert.ok(Math.abs(got[i] - value) < 1e-5, `${what}, element ${i}: ${got[i]} for ${value}`);
  });
}

describe("optimizers", () => {
  before(() => startEngine());

  for (const { title, options, clip, scale, trace } of fixture.cases) {
    for (const way of ["compiled", "eager"]) {
      it(`${title}, ${way}: 20 updates as torch.optim`, () => {
        const { numTensors } = tf.memory();
        const w = tf.tidy(() => tf.variable(tf.tensor2d(fixture.weight, [3, 4])));
        const b = tf.tidy(() => tf.variable(tf.tensor1d(fixture.bias)));
        const optimizer = createOptimizer(options, [
          { variable: w, learningRateFactor: scale },
          { variable: b, decay: false },
        ]);
        const update = (gw: tf.Tensor, gb: tf.Tensor, rate: tf.Tensor, step: tf.Tensor) => {
          const gradients = [gw, gb];
          const clipped = clipByGlobalNorm(gradients, squaredNorms(gradients), clip);
          optimizer.update(clipped, rate as tf.Scalar, step as tf.Scalar);
          return tf.sum(w);
        };
        const compiled = compile({ update }, { variables: [w, b, ...optimizer.variables] });
        const run = way === "compiled" ? compiled.call.update : update;
        for (const [i, [gw, gb]] of fixture.gradients.entries()) {
          const sum = tf.tidy(() =>
            run(
              tf.tensor2d(gw, [3, 4]),
              tf.tensor1d(gb),
              tf.scalar(fixture.rates[i]),
              tf.scalar(i + 1),
            ).dataSync(),
          );
          close(sum, [trace[i][0].reduce((a, x) => a + x, 0)], `sum after update ${i + 1}`);
        }
        compiled.pull();
        close(w.dataSync(), trace[trace.length - 1][0], "weight");
        close(b.dataSync(), trace[trace.length - 1][1], "bias");
        compiled.dispose();
        tf.dispose([w, b, ...optimizer.variables]);
        assert.equal(tf.memory().numTensors, numTensors);
      });
    }
  }

  it("moves averages as torch's lerp, also after an update in place", () => {
    const w = tf.variable(tf.tensor2d(fixture.weight, [3, 4]));
    const average = tf.variable(w.clone());
    const optimizer = createOptimizer({ name: "sgd", momentum: 0 }, [{ variable: w }]);
    const update = (gradient: tf.Tensor, rate: tf.Tensor) => {
      optimizer.update([gradient], rate as tf.Scalar, tf.scalar(1));
      moveAverages([average], [w], 0.9);
      return tf.clone(average);
    };
    const { call } = compile({ update }, { variables: [w, average] });
    for (const [i, [gw]] of fixture.gradients.entries()) {
      const got = call.update(tf.tensor2d(gw, [3, 4]), tf.scalar(fixture.rates[i]));
      close(got.dataSync(), fixture.ema[i], `average after update ${i + 1}`);
    }
  });
});
