import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import { Experiment } from "#lib/train/experiment";
import { openExperiment } from "#lib/train/open-experiment";
import { RunFolder } from "#lib/train/run-folder";
import { temporaryFolder, writeClasses } from "./support";
import { knowTinyNetwork } from "./tiny-network";

/** Settings of a run that takes a second. */
export const settings = (spec: string) => ({
  data: { spec, size: 32 },
  model: { name: "tiny" },
  train: { epochs: 2, batchSize: 8, optimizer: { learningRate: 3e-3 } },
});

/** For each test a folder with images of two classes, and what opens and trains experiments in it. */
export function experimentFolder() {
  let folder: ReturnType<typeof temporaryFolder>;
  const warnings: string[] = [];
  const { warn } = console;
  knowTinyNetwork();
  before(() => startEngine());
  beforeEach(async () => {
    folder = temporaryFolder();
    await writeClasses(at("images"), { faint: 20, bright: 30 });
    warnings.length = 0;
    console.warn = (text: string) => void warnings.push(text);
  });
  afterEach(() => {
    console.warn = warn;
    folder.remove();
  });

  const at = (...names: string[]) => join(folder.path, ...names);
  const openShared = (set: string[] = []) =>
    openExperiment(settings(at("images")), { set, run: at("run") });
  /** One that knows nothing but the folder, as in another process. */
  const open = (set: string[] = [], run = "run") => {
    const { config } = openExperiment(settings(at("images")), { set, run: at(run) });
    return new Experiment(config, new RunFolder(at(run)));
  };
  const contentOf = (run = "run") =>
    Object.fromEntries(
      readdirSync(at(run), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(csv|json|yaml)$/.test(name))
        .sort()
        .map((name) => [name, readFileSync(at(run, name), "utf8")]),
    );
  /** Losses of the steps that training takes. */
  const losses = async (
    experiment: Experiment,
    options: Parameters<Experiment["train"]>[0] = {},
  ) => {
    const seen: number[] = [];
    await experiment.train({ ...options, onStep: ({ means }) => seen.push(means.loss) });
    return seen;
  };
  /** Stop a training after so many steps. */
  const interrupt = async (experiment: Experiment, steps: number) => {
    const stop = new AbortController();
    let left = steps;
    const onStep = () => --left === 0 && stop.abort(new Error("stopped by the test"));
    await assert.rejects(experiment.train({ signal: stop.signal, onStep }), /stopped by the test/);
  };
  return { at, warnings, openShared, open, contentOf, losses, interrupt };
}
