import { parse } from "yaml";
import { UserError } from "../core/errors";
import { evaluateRun, train } from "../notebook/training";
import { experimentSchema, parseConfig } from "../train/config";
import { readSettings } from "../train/config-file";
import { openExperiment } from "../train/experiment";
import { mergeSettings, withAssignments } from "../train/merge-settings";
import { type Arguments, requiredOption, textOption, type Verb } from "./verb";

function ifExistsOf({ values }: Arguments): "resume" | "restart" | "skip" {
  const asked = (["resume", "restart", "skip"] as const).filter((name) => values[name]);
  if (asked.length > 1) {
    throw new UserError(`--${asked.join(" and --")} exclude each other`, "give one of them");
  }
  return asked[0] ?? "resume";
}

/** The file's settings, under what the command line says. */
function settingsOf(args: Arguments): Record<string, unknown> {
  const set = Array.isArray(args.values.set) ? args.values.set : [];
  const config = textOption(args, "config");
  const spec = textOption(args, "data");
  const base =
    config === undefined
      ? {}
      : readSettings(config, { spec, profile: textOption(args, "profile") });
  const named = {
    ...(spec === undefined ? {} : { data: { spec } }),
    ...(textOption(args, "model") === undefined
      ? {}
      : { model: { name: textOption(args, "model") } }),
  };
  return withAssignments(mergeSettings(base, named), set, (text) => parse(text));
}

export const verb: Verb = {
  summary: "Train a model on a data set, into a run's folder",
  usage: `--data SPEC --model NAME --out RUN [--config FILE] [--profile quick|paper]
       [--set key=value …] [--resume|--restart|--skip]

  --data SPEC     a registered name, an .h5 file in Galaxy10's layout, a folder of class folders
  --model NAME    an architecture
  --out RUN       the run's folder; an interrupted run there is resumed
  --config FILE   YAML settings; --data and --model override it
  --set k=v       any key, such as --set train.epochs=5 --set train.optimizer.learningRate=1e-4
  --resume        go on with an unfinished run (the default)
  --restart       begin anew
  --skip          leave a run that is there as it is`,
  options: {
    data: { type: "string" },
    model: { type: "string" },
    out: { type: "string" },
    config: { type: "string" },
    profile: { type: "string" },
    set: { type: "string", multiple: true },
    resume: { type: "boolean" },
    restart: { type: "boolean" },
    skip: { type: "boolean" },
  },
  async run(args) {
    const out = requiredOption(args, "out", "results/my-run");
    if (args.values.config === undefined) {
      requiredOption(args, "data", "synthetic");
      requiredOption(args, "model", "custom_cnn");
    }
    const ifExists = ifExistsOf(args);
    const settings = parseConfig(experimentSchema, settingsOf(args));
    const experiment = openExperiment(settings, { run: out });
    if (ifExists === "skip") {
      if (experiment.run.status !== "absent") {
        console.log(`${out} is left as it is.`);
        return undefined;
      }
    }
    const fitted = await train(experiment, {
      ifExists: ifExists === "restart" ? "restart" : "resume",
    });
    if ((await experiment.data()).test.length === 0) {
      console.log(
        `no test split, so nothing was evaluated; best epoch ${fitted.bestEpoch}: ${out}`,
      );
    } else {
      const { metrics } = await evaluateRun(experiment);
      console.log(
        `test accuracy ${metrics.accuracy.toFixed(4)}, log loss ${metrics.logLoss?.toFixed(4)}, best epoch ${fitted.bestEpoch}: ${out}`,
      );
    }
    await experiment.dispose();
    return undefined;
  },
};
