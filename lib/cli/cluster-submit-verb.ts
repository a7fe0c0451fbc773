import { statSync } from "node:fs";
import { resolve } from "node:path";
import { ablationPlan } from "../cluster/ablation-plan";
import type { PlanParts } from "../cluster/plan";
import { PlanFolder } from "../cluster/plan-folder";
import { planStatus } from "../cluster/plan-status";
import { shardPlan } from "../cluster/shard-plan";
import { submitPlan, type UnitEvent } from "../cluster/submit-plan";
import { sweepPlan } from "../cluster/sweep-plan";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import { untilInterrupted } from "../notebook/interrupt";
import { type ConfigFileOptions, readSettings } from "../train/config-file";
import { openRunner, runnerOptions, showStatus } from "./cluster-options";
import { helpOf } from "./help";
import { readOptions } from "./options";
import { settingOptions } from "./setting-options";
import { shardedVerbs } from "./sharded-verbs";
import { type Options, say, type Values, type Verb } from "./verb";

const options = {
  out: {
    type: "text",
    value: "FOLDER",
    help: "The plan's folder, which every machine sees at the same place: notes, parts, runs.",
  },
  shards: {
    type: "integer",
    value: "N",
    help: "How many parts a table is made in.",
    least: 1,
  },
  ...runnerOptions,
  retries: {
    type: "integer",
    value: "N",
    help: "How many times a unit that failed is tried again.",
    default: 2,
    least: 0,
  },
  ...settingOptions,
} as const satisfies Options;

const definition = {
  summary: "Do a plan's units, or what is missing of them",
  details: [
    "WHAT is the file of an ablation or a sweep; or a verb that can be done in parts, with its options; or the folder of a plan, whose missing units are done.",
    "Units whose output stands are kept, so that the same call goes on after whatever ended it. Ctrl-C stops units on this machine; on a cluster they go on until `tuning-fork cluster stop`.",
    `tuning-fork cluster submit notebooks/configs/ablation.yaml --out results/ablation\ntuning-fork cluster submit predict --run RUN --data SPEC --shards 50 --out results/survey`,
  ].join("\n\n"),
  words: { name: `FILE.yaml|${Object.keys(shardedVerbs).join("|")}|FOLDER` },
  options,
};

/** Its own reading of the command line: the options of a verb that is done in parts are that verb's. */
export const submitVerb: Verb = {
  summary: definition.summary,
  async run(name, args) {
    if (args.includes("--help") || args.includes("-h")) {
      say(helpOf(name, definition));
      return 0;
    }
    const sharded = Object.hasOwn(shardedVerbs, args[0] ?? "");
    const [own, others] = sharded ? apart(args) : [args, []];
    const { values, words } = readOptions(name, definition, own);
    const { out, shards, retries, profile, data, set, ...where } = values as Values<typeof options>;
    const [what] = words;
    const isFolder = statSync(what, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder ? out !== undefined : out === undefined) {
      throw isFolder
        ? new UserError(
            `${what} is a plan's folder, beside which --out has no effect`,
            "leave it out",
          )
        : new UserError("--out is missing", "give it, for example --out results/my-plan");
    }
    if (isFolder && (profile ?? data ?? set[0]) !== undefined) {
      throw new UserError(
        `${what} is a plan's folder: --profile, --data and --set have no effect on it`,
        "give the plan's file and --out again",
      );
    }
    if (sharded !== (shards !== undefined)) {
      throw sharded
        ? new UserError("--shards is missing", "give it, for example --shards 50")
        : new UserError("--shards is for a verb that is done in parts", "leave it out");
    }
    const folder = new PlanFolder(out ?? what);
    const make = async (): Promise<PlanParts> => {
      const file = { profile, spec: data, set };
      if (!sharded) return filePlan(resolve(what), folder.path, file);
      const { ending, rows } = shardedVerbs[what];
      const asked = await rows(`${name} ${what}`, others, shards ?? 1);
      return shardPlan({ args: [what, ...others], ending, ...asked }, folder.path);
    };
    const runner = await openRunner(where);
    const failed = await untilInterrupted((signal) =>
      submitPlan(folder, runner, {
        signal,
        retries,
        onEvent: showEvent,
        ...(isFolder ? {} : { make }),
      }),
    );
    showStatus(await planStatus(folder));
    if (failed.length === 0) say(`tuning-fork cluster collect ${folder.path}`);
    return failed.length === 0 ? 0 : 1;
  },
};

/** The plan of a file: of what it is says the key that it has. */
function filePlan(path: string, folder: string, options: ConfigFileOptions): PlanParts {
  const keys = readSettings(path, { profile: options.profile });
  if ("sweep" in keys) return sweepPlan(path, folder, options);
  if ("ablation" in keys) return ablationPlan(path, folder, options);
  throw new UserError(
    `${path} has neither the key ablation nor sweep`,
    "give the file of an ablation or a sweep; one experiment alone is `tuning-fork train --config`",
  );
}

/** The options of this verb, and those of the verb that is done in parts. */
function apart([what, ...args]: readonly string[]): [own: string[], others: string[]] {
  const [own, others]: [string[], string[]] = [[what], []];
  // `--data` is the model's to read, as without parts.
  const mine = Object.entries(options).filter(([key]) => !Object.hasOwn(settingOptions, key));
  const known = new Map<string, { readonly type: string }>(mine);
  for (let i = 0; i < args.length; i++) {
    const [, key, inline] = /^--([^=]+)(=.*)?$/s.exec(args[i]) ?? [];
    const option = known.get(key ?? "");
    if (option === undefined) others.push(args[i]);
    else {
      own.push(args[i]);
      if (inline === undefined && option.type !== "flag" && i + 1 < args.length)
        own.push(args[++i]);
    }
  }
  return [own, others];
}

function showEvent({ unit, what, reason, done, total }: UnitEvent): void {
  const words = { started: "begins", done: "is done", again: "begins again", failed: "failed" };
  const why = reason === undefined ? "" : ` (it ${reason})`;
  console.error(printable(`${done}/${total} ${unit} ${words[what]}${why}`));
}
