import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import type { Predictions } from "#lib/evaluate/predictions";
import { evaluate } from "#lib/evaluate/summary";
import { atTemperature, fitTemperature } from "#lib/evaluate/temperature";
import { predict } from "#lib/predict/network-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import { Experiment } from "#lib/train/experiment";
import { openTrainedModel } from "#lib/train/experiment-model";
import { openExperiment } from "#lib/train/open-experiment";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder, writeClasses } from "./support";

describe("calibration as part of a run", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const images = join(folder.path, "images");
  const run = join(folder.path, "run");
  before(async () => {
    await startEngine();
    // The brightest of the faint are as bright as the faintest of the bright.
    await writeClasses(images, { faint: 100, bright: 40 });
  });
  after(() => folder.remove());

  const open = (...set: string[]) => {
    const settings = {
      data: { spec: images, size: 32, split: [0.4, 0.3, 0.3] as [number, number, number] },
      model: { name: "test_custom_cnn" },
      train: { epochs: 3, batchSize: 8, loss: { labelSmoothing: 0.2 } },
    };
    const { config } = openExperiment(settings, { set, run });
    return new Experiment(config, new RunFolder(run));
  };
  const written = () => JSON.parse(readFileSync(join(run, "metrics.json"), "utf8"));

  it("is fitted on validation galaxies, told of, and kept with the model", async () => {
    const experiment = open();
    await experiment.train();
    const { predictions, metrics } = await experiment.evaluate();
    const { dataset, task, val, test } = await experiment.data();
    const { model, description } = await openTrainedModel(experiment.run);
    const temperature = fitTemperature((await predict(model, task, dataset, val)) as Predictions);
    const learned = (await predict(model, task, dataset, test)) as Predictions;
    const { calibration, ...others } = written();
    assert.deepEqual([calibration.by, calibration.rows], [[temperature], val.length]);
    assert.ok(Math.abs(temperature - 1) > 0.05, `${temperature} would change nothing`);
    const before = evaluate(learned);
    for (const name of ["logLoss", "ece", "brier"] as const) {
      assert.equal(calibration.before[name], before[name]);
      assert.equal(others[name], metrics[name]);
    }
    assert.equal(calibration.before.accuracy, undefined, "it stays");
    const close = (a: Predictions, b: Predictions) => {
      for (const [i, p] of (a.probabilities ?? []).entries()) {
        assert.ok(Math.abs(p - (b.probabilities?.[i] ?? 9)) < 1e-6);
      }
    };
    close(predictions, atTemperature(learned, temperature));
    assert.deepEqual(description.task?.calibration, [temperature]);
    const kept = taskFromDescription(description.task ?? task.description);
    close((await predict(model, kept, dataset, test)) as Predictions, predictions);
    const asked = others.sets.map((row: { asked: number }) => row.asked);
    assert.deepEqual(asked, [0.8, 0.9, 0.95]);
    for (const { meanSize } of others.sets) assert.ok(meanSize > 0 && meanSize <= 2);
    model.dispose();
    await experiment.dispose();
  });

  it("is left out where the settings say so, without training again", async () => {
    const experiment = open("predict.calibrate=false");
    const { predictions } = await experiment.evaluate();
    const { model, description } = await openTrainedModel(experiment.run);
    const { dataset, task, test } = await experiment.data();
    const learned = (await predict(model, task, dataset, test)) as Predictions;
    assert.equal(description.task?.calibration, undefined);
    assert.equal(written().calibration, undefined);
    assert.equal(evaluate(predictions).ece, evaluate(learned).ece);
    model.dispose();
    await experiment.dispose();
  });
});
