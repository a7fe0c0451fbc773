import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { parseTree } from "#lib/data/tree-yaml";
import { startEngine } from "#lib/engine/start";
import { createVotePredictions } from "#lib/evaluate/vote-predictions";
import type { LossDefinition } from "#lib/tasks/loss";
import { taskDefinition } from "#lib/tasks/registry";
import type { VoteLoss } from "#lib/tasks/vote-loss";
import torch from "../fixtures/train/vote_losses.json";

const questions = parseTree(
  `questions:
  - { name: shape, answers: [smooth, disk, artifact] }
  - { name: bar, answers: [yes, no], after: shape_disk }
  - { name: odd, answers: [yes, no], after: [shape_smooth, bar_no] }`,
  "a.yaml",
);
const { losses } = taskDefinition("votes");
const cases: readonly [name: keyof typeof torch.losses, loss: string, options: object][] = [
  ["softmaxVotes", "softmaxVotes", {}],
  ["dirichletMultinomial", "dirichletMultinomial", {}],
  ["squaredError", "squaredError", {}],
  ["gated", "squaredError", { gated: true }],
  ["binaryCrossEntropy", "binaryCrossEntropy", {}],
];
const learned = { strata: new Int32Array(4), outputs: [], questions };

function lossOf(name: string): VoteLoss {
  const found = losses.find((one) => one.name === name);
  assert.ok(found);
  return found as LossDefinition as VoteLoss;
}

function create(name: string, options: object) {
  const loss = lossOf(name);
  return loss.create(loss.schema.parse({ name, ...options }), learned);
}

describe("losses of votes", () => {
  let logits: tf.Tensor2D;
  let targets: tf.Tensor2D;
  before(async () => {
    await startEngine();
    logits = tf.tensor2d(torch.logits);
    targets = tf.concat([tf.tensor2d(torch.votes), tf.tensor2d(torch.asked)], 1);
  });
  after(() => tf.dispose([logits, targets]));

  it("are all tested", () => {
    assert.deepEqual(
      new Set(cases.map(([, loss]) => loss)),
      new Set(losses.map(({ name }) => name)),
    );
  });

  for (const [name, loss, options] of cases) {
    it(`${name} is PyTorch's, and so is its gradient`, () => {
      const before = tf.memory().numTensors;
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
        create(loss, options)(x as tf.Tensor2D, targets),
      )(logits);
      const expected = torch.losses[name];
      const error = Math.abs(value.dataSync()[0] - expected.value);
      assert.ok(error < 2e-5 * Math.max(1, Math.abs(expected.value)), `${error}`);
      const largest = Math.max(...expected.gradient.flat().map(Math.abs));
      const own = grad.dataSync();
      for (const [i, one] of expected.gradient.flat().entries()) {
        assert.ok(Math.abs(own[i] - one) < 2e-4 * largest, `${i}: ${own[i]} for ${one}`);
      }
      tf.dispose([value, grad]);
      assert.equal(tf.memory().numTensors, before);
    });

    it(`${name} of a table is the same number`, () => {
      const activated = lossOf(loss).activate(logits, questions);
      const [rows, width] = activated.shape;
      const all = activated.dataSync();
      const take = (from: number, size: number) =>
        Float64Array.from(
          { length: rows * size },
          (_, i) => all[Math.floor(i / size) * width + from + (i % size)],
        );
      const asked = Float64Array.from(torch.asked.flat());
      const table = createVotePredictions(
        {
          questions,
          ids: ["a", "b", "c", "d"],
          values: take(0, 7),
          ...(width > 7 && { strengths: take(7, 3) }),
          truth: Float64Array.from(torch.votes.flat(), (n, i) => {
            const question = [0, 0, 0, 1, 1, 2, 2][i % 7];
            return n / torch.asked[Math.floor(i / 7)][question];
          }),
          asked,
        },
        "a test",
      );
      const { schema } = lossOf(loss);
      const value = lossOf(loss).ofTable(table, schema.parse({ name: loss, ...options }));
      const expected = torch.losses[name].value;
      assert.ok(Math.abs(value - expected) < 1e-4 * Math.max(1, expected), `${value}, ${expected}`);
      activated.dispose();
    });
  }

  it("have finite gradients for a thousand votes, for none, and for a network that is very sure", () => {
    const sure = tf.tensor2d([
      [300, -300, 0, -300, 300, 0, 0],
      [-300, 300, 0, 300, -300, 0, 0],
    ]);
    const given = tf.tensor2d([
      [1000, 0, 0, 0, 1000, 500, 500, 1000, 1000, 1000],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    for (const [name, loss, options] of cases) {
      const gradient = tf.tidy(() =>
        tf.grad((x) => create(loss, options)(x as tf.Tensor2D, given))(sure),
      );
      const values = gradient.dataSync();
      assert.ok(values.every(Number.isFinite), `${name}: ${values}`);
      assert.ok(
        values.slice(7).every((value) => value === 0),
        `${name}: nobody was asked about the second galaxy: ${values}`,
      );
      gradient.dispose();
    }
    tf.dispose([sure, given]);
  });

  it("answer with fractions that sum to one where volunteers choose one answer", () => {
    for (const name of ["softmaxVotes", "dirichletMultinomial"]) {
      const answers = lossOf(name).activate(logits, questions);
      const row = answers.arraySync()[0];
      for (const part of [row.slice(0, 3), row.slice(3, 5), row.slice(5, 7)]) {
        assert.ok(Math.abs(part.reduce((a, b) => a + b, 0) - 1) < 1e-6);
      }
      answers.dispose();
    }
    const strengths = lossOf("dirichletMultinomial").activate(logits, questions);
    assert.equal(strengths.shape[1], 10);
    strengths.dispose();
  });
});
