import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Experiment } from "#lib/train/experiment";
import { RunFolder } from "#lib/train/run-folder";
import { dataLike } from "../paper/data";
import {
  galaxiesFor,
  inTwoSteps,
  type PaperExperiment,
  paperExperiments,
} from "../paper/experiments";

const BATCH = 4;

/** What decides which parts of the trainer are at work; numbers alone do not. */
function kindOf({ config: { task, train } }: PaperExperiment): string {
  const { optimizer, schedule, precision, loss, stages = [] } = train;
  return JSON.stringify([
    ...[task, precision, stages.length, loss.name],
    ...[schedule.name, optimizer.layerDecay],
  ]);
}

describe("the notebooks' settings for a paper", function () {
  this.timeout(10 * 60_000);
  const folder = mkdtempSync(join(tmpdir(), "paper-"));
  after(() => rmSync(folder, { recursive: true }));

  // The networks themselves at full size: npm run test:paper.
  it("train a tiny network for a few steps, each kind of them", async () => {
    const kinds = new Map(paperExperiments().map((one) => [kindOf(one), one]));
    for (const [i, { name, config }] of [...kinds.values()].entries()) {
      const { data, ...short } = inTwoSteps(config, BATCH);
      const count = Math.max(galaxiesFor(BATCH), 40);
      const like = await dataLike(data.spec, count, join(folder, `${i}`, "data"));
      const experiment = new Experiment(
        {
          ...short,
          model: { ...short.model, name: "test_custom_cnn" },
          data: { ...data, ...like, size: 32 },
        },
        new RunFolder(join(folder, `${i}`, "run")),
      );
      const { history } = await experiment.train();
      assert.ok(Number.isFinite(history.trainLoss?.[0]), name);
      await experiment.dispose();
    }
    assert.ok(kinds.size >= 6, `${kinds.size} kinds`);
  });
});
