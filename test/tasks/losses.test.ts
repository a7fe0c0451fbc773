import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "#lib/engine/start";
import { weightsOfClasses } from "#lib/tasks/class-weights";
import { listTasks } from "#lib/tasks/registry";
import torch from "../fixtures/train/torch.json";

const [classification] = listTasks();
const outputs = ["a", "b", "c", "d"];

/** A loss by name, from the registry. */
function create(name: string, options: object = {}) {
  const loss = classification.losses.find((one) => one.name === name);
  assert.ok(loss);
  const strata = Int32Array.from(torch.labels);
  return loss.create(loss.schema.parse({ name, ...options }), {
    strata,
    outputs,
    questions: [{ name: "class", answers: outputs }],
  });
}

describe("losses", () => {
  before(() => startEngine());

  const value = (name: string, options: object = {}) =>
    tf.tidy(() => {
      const targets = tf.cast(tf.oneHot(torch.labels, 4), "float32") as tf.Tensor2D;
      return create(name, options)(tf.tensor2d(torch.logits), targets).dataSync()[0];
    });

  it("are PyTorch's cross-entropies", () => {
    const { plain, smooth, weighted, weightedSmooth } = torch.losses;
    const close = (options: object, b: number) => {
      const a = value("crossEntropy", options);
      assert.ok(Math.abs(a - b) < 1e-5, `${a} for ${b}`);
    };
    close({}, plain);
    close({ labelSmoothing: 0.1 }, smooth);
    close({ classWeights: torch.weights }, weighted);
    close({ labelSmoothing: 0.1, classWeights: torch.weights }, weightedSmooth);
  });

  it("keep rare classes from being answered more rarely, as far as they are told", () => {
    const counts = outputs.map((_, c) => torch.labels.filter((label) => label === c).length);
    const shifted = (tau: number) =>
      torch.logits.map((row) =>
        row.map((z, c) => z + tau * Math.log(Math.max(counts[c], 1) / torch.labels.length)),
      );
    for (const tau of [0.5, 1]) {
      const rows = shifted(tau).map((row, i) => {
        const sum = row.reduce((total, z) => total + Math.exp(z), 0);
        return Math.log(sum) - row[torch.labels[i]];
      });
      const expected = rows.reduce((a, b) => a + b, 0) / rows.length;
      const got = value("crossEntropy", { logitAdjustment: tau });
      assert.ok(Math.abs(got - expected) < 1e-5, `${got} for ${expected}`);
    }
  });

  it("focal with γ = 0 is cross-entropy, and less for larger γ", () => {
    assert.ok(Math.abs(value("focal", { gamma: 0 }) - torch.losses.plain) < 1e-5);
    assert.ok(value("focal", { gamma: 2 }) < torch.losses.plain);
    const weighted = value("focal", { gamma: 0, classWeights: torch.weights });
    assert.ok(Math.abs(weighted - torch.losses.weighted) < 1e-5);
  });

  it("have finite gradients, however sure the network is", () => {
    const logits = tf.tensor2d([
      [500, 0, 0, 0],
      [0, 500, 0, 0],
    ]);
    const targets = tf.tensor2d([
      [1, 0, 0, 0],
      [1, 0, 0, 0],
    ]);
    for (const { name } of classification.losses) {
      for (const options of name === "focal" ? [{ gamma: 0 }, { gamma: 0.5 }, {}] : [{}]) {
        const loss = create(name, options);
        const gradient = tf.tidy(() => tf.grad((x) => loss(x as tf.Tensor2D, targets))(logits));
        const values = gradient.dataSync();
        assert.ok(values.every(Number.isFinite), `${name} ${JSON.stringify(options)}: ${values}`);
        gradient.dispose();
      }
    }
    tf.dispose([logits, targets]);
  });

  it("weigh rare classes more", () => {
    const learned = { strata: Int32Array.of(0, 0, 1, 0, 2, 2), outputs: ["a", "b", "c"] };
    assert.deepEqual(weightsOfClasses("inverse", learned), Float32Array.of(2 / 3, 2, 1));
    const [a, b, c] = weightsOfClasses("effective", learned) ?? [];
    assert.ok(b > c && c > a);
    assert.equal(weightsOfClasses("none", learned), undefined);
    assert.deepEqual(weightsOfClasses([1, 2, 3], learned), Float32Array.of(1, 2, 3));
    assert.throws(() => weightsOfClasses([1, 2], learned), /2 values and the data 3 classes/);
  });
});
