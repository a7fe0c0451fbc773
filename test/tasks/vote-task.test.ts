import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Random } from "#lib/core/random";
import type { Dataset } from "#lib/data/dataset";
import { decalsQuestions } from "#lib/data/decals-tree";
import { questionRanges, treeAnswers } from "#lib/data/decision-tree";
import { drawGalaxy } from "#lib/data/galaxy-parameters";
import { drawVotes, voteChances } from "#lib/data/synthetic-votes";
import { startEngine } from "#lib/engine/start";
import type { VotePredictions } from "#lib/evaluate/vote-predictions";
import { createTask, taskDefinition, taskFromDescription } from "#lib/tasks/registry";
import type { Task } from "#lib/tasks/task";
import { tinyDataset } from "../train/support";

const galaxies = Array.from({ length: 64 }, (_, i) => {
  const random = new Random(1, `galaxy ${i}`);
  return drawGalaxy(i % 10, random);
});

/** Tiny galaxies with votes that are drawn from the truth of others. */
function voted(change: Partial<Dataset> = {}): Dataset {
  const { id } = tinyDataset().table;
  return { ...tinyDataset(), classNames: [], table: { id }, votes: drawVotes(galaxies), ...change };
}

const names = taskDefinition("votes").losses.map(({ name }) => name);
const answers = treeAnswers(decalsQuestions);

describe("the task votes", () => {
  before(() => startEngine());
  const make = (dataset: Dataset, name = "dirichletMultinomial") =>
    createTask(dataset, { loss: { name } }) as Task<VotePredictions>;

  it("of synthetic galaxies are drawn by chances that sum to one", () => {
    for (const galaxy of galaxies) {
      const chances = voteChances(galaxy);
      assert.equal(chances.length, answers.length);
      for (const { question, from, to } of questionRanges(decalsQuestions)) {
        const own = chances.slice(from, to);
        const sum = own.reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-9 && own.every((p) => p >= 0), `${question.name} ${own}`);
      }
    }
    const { asked, fractions } = drawVotes(galaxies);
    assert.ok(asked);
    assert.ok(asked.every((n, i) => i % 10 !== 0 || n === 40));
    for (let i = 0; i < 640; i++) {
      const { from, to } = questionRanges(decalsQuestions)[i % 10];
      const own = fractions.slice(Math.floor(i / 10) * 34 + from, Math.floor(i / 10) * 34 + to);
      const sum = own.reduce((a, b) => a + b, 0);
      assert.ok(asked[i] === 0 ? Number.isNaN(sum) : Math.abs(sum - 1) < 1e-9, `${own}`);
    }
    assert.deepEqual(drawVotes(galaxies), drawVotes(galaxies));
  });

  it("is made again by its description, with every loss", () => {
    for (const name of names) {
      const task = make(voted(), name);
      const again = taskFromDescription(JSON.parse(JSON.stringify(task.description)));
      assert.deepEqual(again.description, task.description);
      assert.deepEqual([again.numLogits, again.targetWidth], [34, 44]);
      assert.equal(again.outputs.length, name === "dirichletMultinomial" ? 44 : 34);
    }
  });

  it("is as sure as validation galaxies say, where its description has the factors", () => {
    const dataset = voted();
    const task = make(dataset);
    const rows = galaxies.map((_, row) => row);
    const width = task.outputs.length;
    // Every answer alike, and far surer than one can be of so little.
    const given = Float64Array.from({ length: 64 * width }, (_, i) => {
      const range = questionRanges(decalsQuestions).find(({ to }) => i % width < to);
      return range === undefined ? 500 : 1 / (range.to - range.from);
    });
    const learned = task.table(dataset, rows, given);
    const by = task.calibration?.fit(learned) ?? [];
    assert.ok(by.length === 10 && by.every((factor) => factor < 1), `${by}`);
    const sober = taskFromDescription({ ...task.description, calibration: by });
    const table = sober.table(dataset, rows, given) as VotePredictions;
    assert.deepEqual(table.values, learned.values);
    assert.deepEqual(
      table.strengths?.slice(0, 10),
      Float64Array.from(by, (factor) => 500 * factor),
    );
    assert.equal(make(dataset, "softmaxVotes").calibration, undefined);
  });

  it("is not made of a description without its questions", () => {
    const description = { task: "votes", loss: names[0], outputs: ["yes", "no"] };
    for (const details of [undefined, {}, { questions: [{ name: "bar" }] }])
      assert.throws(
        () => taskFromDescription({ ...description, details }),
        /does not say which questions/,
      );
  });

  it("has votes and voters as targets, 0 where nobody was asked", () => {
    const dataset = voted();
    const { asked, fractions } = drawVotes(galaxies);
    const targets = make(dataset).targets(dataset, [5, 0]);
    assert.equal(targets.length, 2 * 44);
    assert.equal(targets[34], 40);
    assert.equal(targets[0], fractions[5 * 34] * 40);
    assert.ok(targets.every((value) => value >= 0));
    assert.ok(asked && asked[5 * 10 + 1] === targets[35]);
    const unknown = voted();
    unknown.votes?.fractions.fill(Number.NaN, 3 * 34, 4 * 34);
    assert.throws(
      () => make(unknown).targets(unknown, [3]),
      /nothing is known .* about g3 in tiny/,
    );
  });

  it("learns fractions without numbers of votes, but not by their likelihood", () => {
    const votes = drawVotes(galaxies);
    const { asked: _, ...shares } = votes;
    const dataset = voted({ votes: shares });
    const targets = make(dataset, "softmaxVotes").targets(dataset, [0]);
    assert.deepEqual([targets[34], targets[0]], [1, Math.fround(votes.fractions[0])]);
    assert.throws(
      () => make(dataset),
      /tiny has fractions, and train\.loss\.name dirichletMultinomial needs.*\n.*softmaxVotes/,
    );
  });

  it("has strata that can be split, whatever the votes are", () => {
    const dataset = voted();
    const { of, names } = make(dataset).strata(dataset);
    const counts = names.map((_, s) => of.filter((own) => own === s).length);
    assert.ok(
      counts.every((count) => count >= 10) && names.length > 1,
      JSON.stringify([names, counts]),
    );
    assert.ok(names.some((name) => name.includes(" → ")));
  });

  it("takes as many galaxies of each kind as the rarest has, and those with votes only", () => {
    const questions = [
      { name: "shape", answers: ["smooth", "disk"] },
      { name: "bar", answers: ["yes", "no"], after: ["disk"] },
    ];
    const one = (smooth: number) =>
      smooth > 0.5 ? [smooth, 1 - smooth, Number.NaN, Number.NaN] : [smooth, 1 - smooth, 0.9, 0.1];
    const truth = [...Array(40).fill(0.8), ...Array(15).fill(0.1)].flatMap(one);
    truth.push(...Array(4).fill(Number.NaN));
    const ids = Array.from({ length: 56 }, (_, i) => `g${i}`);
    const values = new Float64Array(ids.length * 4).fill(0.5);
    const details = { questions };
    const task = taskFromDescription({ task: "votes", loss: "softmaxVotes", outputs: [], details });
    const table = {
      questions,
      answers: ["smooth", "disk", "yes", "no"],
      ids,
      values,
      truth: Float64Array.from(truth),
    };
    const alike = task.undersample?.(table, new Random(1, "a test")) as VotePredictions;
    const smooth = alike.ids.filter((id) => Number(id.slice(1)) < 40);
    assert.equal(alike.ids.length, 30);
    assert.equal(smooth.length, 15);
    assert.ok(!alike.ids.includes("g55"));
    assert.deepEqual(task.breakdown?.(alike).scores, { shape: 0.5, bar: 1 });
  });

  for (const name of names) {
    it(`has a table that its CSV keeps, with ${name}`, () => {
      const dataset = voted();
      const task = make(dataset, name);
      const rows = [0, 7, 9];
      const logits = tf.randomNormal([3, 34], 0, 1, "float32", 1) as tf.Tensor2D;
      const activated = task.activate(logits);
      const given = Float64Array.from(activated.dataSync());
      tf.dispose([logits, activated]);
      const table = task.table(dataset, rows, given);
      assert.deepEqual(task.answers(table), given);
      const text = task.formatTable(table);
      assert.deepEqual(task.parseTable(text, "a.csv"), table);
      const [header, ...lines] = text.split("\n");
      const columns = header.split(",");
      // Columns may stand in any order.
      const turned = [columns, ...lines.filter(Boolean).map((line) => line.split(","))]
        .map((cells) => [...cells].reverse().join())
        .join("\n");
      assert.deepEqual(task.parseTable(`${turned}\n`, "a.csv"), table);
      assert.throws(
        () => task.parseTable(text.replace("bar_weak,", "bar_soft,"), "a.csv"),
        /a\.csv has no columns bar_weak/,
      );
      const metrics = task.metrics(table) as { rows: number; perAnswer: unknown[] };
      assert.deepEqual([metrics.rows, metrics.perAnswer.length], [3, 34]);
      // Intervals are not drawn again where a calibration was applied since.
      const before = { ...metrics, intervals: { mae: { low: 0, high: 1 } } };
      assert.equal(task.metrics(table, before).intervals, before.intervals);
      for (const monitor of Object.keys(task.monitored(table))) assert.ok(monitor in task.monitors);
      assert.match(task.describe(table, 0).answer, /^smooth-or-featured_\w.* \(0\.\d\d\)$/);
    });
  }

  it("answers about galaxies of which nothing is known", () => {
    const task = make(voted());
    const { votes: _, ...plain } = voted();
    const table = task.table(plain, [1], new Float64Array(44).fill(0.2));
    assert.equal(task.formatTable(table).split("\n")[0], `id,${task.outputs.join()}`);
    assert.throws(() => task.metrics(table), /of none of the galaxies is known/);
    assert.deepEqual(task.notices(plain), []);
    const other = voted({
      votes: { ...drawVotes(galaxies), answers: answers.map((a) => `x${a}`) },
    });
    assert.match(task.notices(other)[0], /tiny has no votes for smooth-or-featured_smooth/);
  });
});
