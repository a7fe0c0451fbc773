import { UserError } from "../core/errors";
import { inWords } from "../core/names";
import { evaluateRun, train } from "../notebook/training";
import type { Metrics } from "../tasks/task";
import { experimentSchema, parseConfig } from "../train/config";
import { readSettings } from "../train/config-file";
import { mergeSettings, withAssignments } from "../train/merge-settings";
import { openExperiment } from "../train/open-experiment";
import { presets } from "../train/presets";
import { settingOptions } from "./setting-options";
import { defineVerb, say } from "./verb";

const ifExistsFlags = ["resume", "restart", "auto", "skip"] as const;

/** What `--resume`, `--restart`, `--auto` and `--skip` say. */
function ifExistsOf(flags: Readonly<Record<(typeof ifExistsFlags)[number], boolean>>) {
  const asked = ifExistsFlags.filter((name) => flags[name]);
  if (asked.length > 1) {
    throw new UserError(`--${asked.join(" and --")} exclude each other`, "give one of them");
  }
  return asked[0] ?? "resume";
}

export const verb = defineVerb({
  summary: "Train a model on a data set, into a run's folder",
  details: "Needs --data and --model, or a --config that names them.",
  options: {
    out: {
      type: "text",
      value: "RUN",
      help: "The run's folder; an interrupted run there is resumed.",
      required: "results/my-run",
    },
    model: { type: "text", value: "NAME", help: "An architecture, in place of the file's." },
    config: {
      type: "text",
      value: "FILE|NAME",
      help: `YAML settings, or a preset: ${Object.keys(presets).join(", ")}.`,
    },
    ...settingOptions,
    resume: { type: "flag", help: "Go on with an unfinished run: what is done unless said." },
    restart: { type: "flag", help: "Begin anew." },
    auto: {
      type: "flag",
      help: "Go on with a run of the same settings, begin anew where they are others.",
    },
    skip: { type: "flag", help: "Leave a run that is there as it is." },
  },
  async run({ out, model, config, profile, data, set, ...flags }) {
    if (config === undefined) {
      const missing = data === undefined ? "data" : model === undefined ? "model" : undefined;
      if (missing !== undefined) {
        const example = missing === "data" ? "synthetic" : "custom_cnn";
        throw new UserError(
          `--${missing} is missing`,
          `give it, for example --${missing} ${example}, or a --config`,
        );
      }
    }
    if (config === undefined && profile !== undefined) {
      throw new UserError("--profile is one of a file's", "give --config FILE too");
    }
    const ifExists = ifExistsOf(flags);
    const base = config === undefined ? {} : readSettings(config, { spec: data, profile });
    const named = {
      ...(data === undefined ? {} : { data: { spec: data } }),
      ...(model === undefined ? {} : { model: { name: model } }),
    };
    const given = withAssignments(mergeSettings(base, named), set);
    const settings = parseConfig(experimentSchema, given);
    const experiment = openExperiment(settings, { run: out });
    if (ifExists === "skip") {
      if (experiment.run.status !== "absent") {
        say(`${out} is left as it is.`);
        return undefined;
      }
    }
    const fitted = await train(experiment, { ifExists: ifExists === "skip" ? "resume" : ifExists });
    if ((await experiment.data()).test.length === 0) {
      say(`no test split, so nothing was evaluated; best epoch ${fitted.bestEpoch}: ${out}`);
    } else {
      const { task } = await experiment.data();
      const { metrics } = await evaluateRun<unknown, Metrics>(experiment);
      const told = task.headline
        .filter((name) => Number.isFinite(metrics[name]))
        .map((name) => `${inWords(name)} ${Number(metrics[name]).toFixed(4)}`);
      say(`test ${told.join(", ")}, best epoch ${fitted.bestEpoch}: ${out}`);
    }
    await experiment.dispose();
    return undefined;
  },
});
