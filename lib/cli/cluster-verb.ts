import { readFileSync } from "node:fs";
import { PlanFolder } from "../cluster/plan-folder";
import { planStatus } from "../cluster/plan-status";
import { planKinds } from "../cluster/registry";
import { runUnit } from "../cluster/run-unit";
import { stopPlan } from "../cluster/stop-plan";
import { UserError } from "../core/errors";
import { openRunner, runnerOptions, showStatus } from "./cluster-options";
import { submitVerb } from "./cluster-submit-verb";
import { verbs } from "./registry";
import { defineVerb, findVerb, groupVerbs, say } from "./verb";

const folderWord = { name: "FOLDER" } as const;

const status = defineVerb({
  summary: "How far a plan is, and why units failed",
  words: folderWord,
  options: { ...runnerOptions, json: { type: "flag", help: "All of it for programs." } },
  async run({ json, ...where }, [path]) {
    const found = await planStatus(new PlanFolder(path), await openRunner(where));
    if (json) say(JSON.stringify(found));
    else showStatus(found);
    return undefined;
  },
});

const logs = defineVerb({
  summary: "What a unit has printed",
  words: { name: "FOLDER UNIT", count: [2, 2] },
  options: {},
  async run(_, [path, unit]) {
    const folder = new PlanFolder(path);
    const { units } = folder.read();
    if (!units.some(({ name }) => name === unit)) {
      throw new UserError(
        `the plan has no unit "${unit}"`,
        `take one of ${units[0].name} … ${units[units.length - 1].name}`,
      );
    }
    try {
      say(readFileSync(folder.logPath(unit), "utf8").trimEnd());
    } catch (cause) {
      throw new UserError(`${unit} has printed nothing yet`, "wait until it is started", { cause });
    }
    return undefined;
  },
});

const stop = defineVerb({
  summary: "End the units of a plan that run; what is done is kept",
  words: folderWord,
  options: runnerOptions,
  async run(where, [path]) {
    await stopPlan(new PlanFolder(path), await openRunner(where));
    say(`stopped; \`tuning-fork cluster submit ${path}\` goes on with what is missing`);
    return undefined;
  },
});

const collect = defineVerb({
  summary: "Make of the units' outputs what they are parts of: one table, each galaxy once",
  words: folderWord,
  options: {
    out: { type: "text", value: "FILE.csv", help: "The table. Default: in the plan's folder." },
  },
  async run({ out }, [path]) {
    const folder = new PlanFolder(path);
    const plan = folder.read();
    const missing = plan.units.filter((unit) => folder.done(unit) === undefined);
    if (plan.kind === "shards" && missing.length > 0) {
      throw new UserError(
        `${missing.length} of ${plan.units.length} units are not done, such as ${missing[0].name}`,
        `submit the plan again: tuning-fork cluster submit ${path}`,
      );
    }
    const { files, says } = await planKinds[plan.kind].collect(folder, plan, out);
    say(`${says}: ${files.join(", ")}`);
    return undefined;
  },
});

const unit = defineVerb({
  summary: "Do one unit of a plan here: what runners call",
  words: { name: "FOLDER UNIT", count: [2, 2] },
  options: {},
  async run(_, [path, name]) {
    return runUnit(new PlanFolder(path), name, async ([word, ...args]) => {
      const { verb } = await findVerb(verbs, word)();
      return verb.run(word, args);
    });
  },
});

export const verb = groupVerbs("Many units of work at once, here or on a cluster", {
  submit: submitVerb,
  status,
  logs,
  stop,
  collect,
  unit,
});
