import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "#lib/data/dataset";
import { openCheckpoint } from "#lib/train/checkpoint";
import { config, dataset, rows, trainingFolder, trainOnce } from "./tiny-training";

describe("a training that was interrupted", function () {
  this.timeout(240_000);
  const at = trainingFolder();

  it("goes on from an interrupt inside an epoch to the same losses", async () => {
    const c = config({
      augmentation: "strong",
      optimizer: { learningRate: 3e-3, gradientAccumulation: 4 },
    });
    const whole = await trainOnce(at("whole"), c);
    const stop = new AbortController();
    let steps = 0;
    const path = at("stopped");
    await assert.rejects(
      trainOnce(path, c, {
        signal: stop.signal,
        onStep: () => {
          if (++steps === 9) stop.abort(new Error("stopped by the test"));
        },
      }),
      /stopped by the test/,
    );
    assert.equal(steps, 9, "no step follows the interrupt");
    const rest = await trainOnce(path, c);
    assert.deepEqual(rest.losses, whole.losses.slice(9));
    assert.deepEqual(rest.result.history, whole.result.history);
    assert.deepEqual(rest.predictions, whole.predictions);
  });

  it("goes on with the evaluation when it was interrupted there", async () => {
    const c = config({ epochs: 2, augmentation: "none" });
    const whole = await trainOnce(at("whole"), c);
    const path = at("stopped");
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => void steps++;
    const read: Dataset["read"] = async (wanted, view) => {
      const isValidation = Array.from(wanted).some((row) => rows.val.includes(row));
      if (steps === 6 && isValidation) stop.abort(new Error("enough"));
      return dataset.read(wanted, view);
    };
    await assert.rejects(
      trainOnce(
        path,
        c,
        { signal: stop.signal, onStep },
        { ...rows, dataset: { ...dataset, read } },
      ),
      /enough/,
    );
    const { training } = openCheckpoint(join(path, "checkpoints", "latest")) ?? {};
    assert.deepEqual([training?.epoch, training?.batch, training?.step], [0, 6, 6]);
    const rest = await trainOnce(path, c);
    assert.equal(rest.losses.length, 6, "no step is done twice");
    assert.deepEqual(rest.result.history, whole.result.history);
  });

  it("names a damaged checkpoint file", async () => {
    const path = at("a");
    await trainOnce(path, config({ epochs: 1 }));
    const latest = join(path, "checkpoints", "latest");
    const file = readdirSync(latest).find((name) => name.startsWith("model-"));
    assert.ok(file);
    const bytes = readFileSync(join(latest, file));
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(join(latest, file), bytes);
    assert.throws(() => openCheckpoint(latest), /is not what was written/);
  });
});
