import assert from "node:assert/strict";
import { createTask } from "#lib/tasks/registry";
import { parseConfig, type TrainSettings, trainConfigSchema } from "#lib/train/config";
import { comparedBy, Judge } from "#lib/train/monitor";
import { tinyDataset } from "./support";

describe("early stopping and the best epoch", () => {
  const judge = (settings: TrainSettings, validates = true) =>
    new Judge(createTask(tinyDataset(2)), parseConfig(trainConfigSchema, settings), validates);
  /** One row an epoch; none of a value where it is not evaluated. */
  const rows = (values: readonly (number | undefined)[], column = "valLoss") =>
    values.map((value, i) => ({
      epoch: i + 1,
      trainLoss: 1,
      ...(value === undefined ? {} : { [column]: value }),
    }));

  it("keep the first of equally good epochs, by the monitor's own direction", () => {
    assert.equal(judge({ monitor: "valLoss" }).bestEpoch(rows([3, 1, 1, 2])), 2);
    const history = rows([0.5, 0.9, 0.7], "valAccuracy");
    assert.equal(judge({}).bestEpoch(history), 2);
    assert.equal(judge({ monitor: "valEce" }).bestEpoch(rows([0.3, 0.1, 0.2], "valEce")), 2);
    assert.equal(
      judge({}).bestEpoch(rows([1, 2])),
      undefined,
      "without a value of it none is best",
    );
  });

  it("keep the last epoch where that is asked, with a validation split and without", () => {
    for (const validates of [true, false]) {
      const last = judge({ monitor: "last" }, validates);
      assert.equal(last.bestEpoch(rows([0.9, 0.5], "valAccuracy")), undefined);
    }
    assert.throws(() => judge({ monitor: "valLoss" }, false), /no validation split/);
    const task = createTask(tinyDataset(2));
    assert.deepEqual(comparedBy(task, { monitor: "last" }), comparedBy(task, {}));
    assert.equal(comparedBy(task, { monitor: "valLoss" }).column, "valLoss");
  });

  it("count epochs, not evaluations", () => {
    const stopping = judge({ validationInterval: 2, earlyStopping: { patience: 3 } });
    const seen = [undefined, 1, undefined, 2, undefined, 2];
    const exhausted = seen.map((_, i) => stopping.isExhausted(rows(seen.slice(0, i + 1))));
    // Best at 2; at 4 two epochs have gone by, at 6 four: stopped when that is seen.
    assert.deepEqual(exhausted, [false, false, false, false, false, true]);
    assert.ok(!judge({}).isExhausted(rows([1, 2, 3, 4])), "0 never ends a run");
    const named = judge({ earlyStopping: { patience: 1, metric: "valAccuracy" } });
    assert.ok(!named.isExhausted(rows([0.1, 0.2, 0.3], "valAccuracy")));
    assert.ok(named.isExhausted(rows([0.1, 0.2, 0.2], "valAccuracy")));
  });

  it("know every metric, and name them where another is asked for", () => {
    assert.throws(
      () => judge({ monitor: "accuracy" }),
      /train\.monitor is "accuracy".*\n.*valLoss, valAccuracy, .*valMacroF1.*valBrier.*, last/,
    );
    const earlyStopping = { metric: "trainLoss", patience: 1 };
    assert.throws(() => judge({ earlyStopping }), /train\.earlyStopping\.metric is "trainLoss"/);
  });
});
