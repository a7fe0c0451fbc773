import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import { saveModel } from "#lib/models/model-file";
import { createModel, registerArchitecture } from "#lib/models/registry";
import { registerTask } from "#lib/tasks/registry";
import { type ExperimentSettings, experimentSchema } from "#lib/train/config";
import { mergeSettings, type Tree } from "#lib/train/merge-settings";
import { openExperiment } from "#lib/train/open-experiment";
import { fractions } from "../tasks/outside-task";
import { configKeys } from "./config-keys";
import { configPairs, scripted } from "./config-pairs";
import { temporaryFolder, writeClasses, writeVotes } from "./support";
import { tinyNetwork } from "./tiny-network";

describe("every key of a config", () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  let server: Server;
  let uri = "";
  let runs = 0;
  const registered: (() => void)[] = [];
  const seen = new Map<string, Promise<Outcome>>();
  const pairs = () => configPairs(at, uri);
  const { warn } = console;

  before(async () => {
    console.warn = () => {};
    await startEngine();
    registered.push(registerArchitecture(tinyNetwork));
    registered.push(...[fractions, scripted].map(registerTask));
    for (const name of ["images", "others", "damaged"]) {
      await writeClasses(at(name), { faint: name === "others" ? 12 : 10, bright: 16 }, 32, 2);
    }
    await writeVotes(at("votes"), 20);
    // The brightest of the faint are as bright as the bright: nothing can be too sure of them.
    await writeClasses(at("alike"), { faint: 90, bright: 20 }, 32, 2);
    writeFileSync(at("damaged", "faint", "broken.png"), "no picture");
    const model = createModel("tiny", { numClasses: 2, seed: 7 });
    saveModel(model, at("weights.safetensors"));
    model.dispose();
    mkdirSync(at("runs"));
    // Refuses whatever it is asked; the error names the address, and the experiment in it.
    server = createServer((_, response) => response.writeHead(500).end("{}"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    console.warn = warn;
    for (const takeOut of registered) takeOut();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  /** What a run shows to the outside, or the sentence with which it is refused. */
  interface Outcome {
    /** Until it is trained. */
    readonly trained: string;
    /** And of its answers: asked for where the training shows nothing. */
    evaluated(): Promise<string>;
  }

  async function outcomeOf(settings: Tree): Promise<Outcome> {
    const run = at("runs", String(runs++));
    const common: ExperimentSettings = {
      data: { spec: at("images"), split: [0.5, 0.2, 0.3] },
      model: { name: "tiny" },
      train: {
        epochs: 2,
        batchSize: 4,
        augmentation: "none",
        log: { tensorboard: false },
        optimizer: { learningRate: 3e-3 },
      },
    };
    const merged = mergeSettings({ ...common }, settings) as ExperimentSettings;
    const orSentence = async (work: () => Promise<unknown>) => {
      try {
        return JSON.stringify(await work());
      } catch (error) {
        return String(error).replaceAll(folder.path, "");
      }
    };
    const trained = await orSentence(async () => {
      const early: boolean[] = [];
      const experiment = openExperiment(merged, { run });
      const { dataset, ...rows } = await experiment.data();
      // Whether a checkpoint is there before the first epoch ends.
      const onStep = () => early.push(existsSync(experiment.run.latestPath));
      const { history, bestEpoch } = await experiment.train({ onStep });
      await experiment.dispose();
      const ids = [rows.train, rows.val, rows.test].map((list) =>
        Array.from(list, (row) => dataset.table.id[row]),
      );
      const files = readdirSync(run).map((name) => name.replace(/tfevents.*/, "tfevents"));
      return { ids, size: dataset.imageSize, history, bestEpoch, files, early: early[1] };
    });
    let evaluated: Promise<string> | undefined;
    const evaluate = async () => {
      const done: number[] = [];
      const experiment = openExperiment(merged, { run });
      const result = await experiment.evaluate({ onProgress: (count) => done.push(count) });
      await experiment.dispose();
      const { predictions, parameters } = result;
      const { ids: _, ...answers } = predictions;
      return { answers, parameters, done, files: readdirSync(run).sort() };
    };
    return {
      trained,
      evaluated() {
        evaluated ??= orSentence(evaluate);
        return evaluated;
      },
    };
  }
  /** Equal settings are run once. */
  const outcome = (settings: Tree = {}) => {
    const key = JSON.stringify(settings);
    const known = seen.get(key) ?? outcomeOf(settings);
    seen.set(key, known);
    return known;
  };

  it("is set by a test", () => {
    assert.deepEqual(configKeys(experimentSchema), Object.keys(pairs()).sort());
  });

  it("is compared with runs that come out the same each time", async () => {
    const [one, two] = [await outcome(), await outcomeOf({})];
    assert.match(one.trained, /"history"/);
    assert.equal(one.trained, two.trained);
    assert.match(await one.evaluated(), /"answers"/);
    assert.equal(await one.evaluated(), await two.evaluated());
  });

  /** Keys that show by what is refused. */
  const refusing = new Set([
    ...["data.skipBad", "data.tree"],
    ...["train.log.mlflow.uri", "train.log.mlflow.experiment"],
  ]);
  for (const key of Object.keys(pairs())) {
    it(`acts: ${key}`, async () => {
      const { without = {}, with: changed } = pairs()[key];
      const [one, two] = [await outcome(without), await outcome(changed)];
      if (!refusing.has(key))
        for (const { trained } of [one, two]) assert.match(trained, /"history"/);
      if (one.trained !== two.trained) return;
      const answers = [await one.evaluated(), await two.evaluated()];
      assert.notEqual(answers[0], answers[1]);
      for (const said of answers) assert.match(said, /"answers"/);
    });
  }
});
