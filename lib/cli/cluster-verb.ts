import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PlanFolder } from "../cluster/plan-folder";
import { planStatus } from "../cluster/plan-status";
import { planKinds } from "../cluster/registry";
import { runUnit } from "../cluster/run-unit";
import { slurmScript } from "../cluster/slurm-runner";
import { stopPlan } from "../cluster/stop-plan";
import { jobOf } from "../cluster/submit-plan";
import { UserError } from "../core/errors";
import { writeFileAtomic } from "../io/atomic";
import { projectFolder } from "../io/paths";
import { exportFigures } from "../plots/export-figures";
import { openRunner, runnerOptions, showStatus, slurmOptions } from "./cluster-options";
import { planVerb } from "./cluster-plan-verb";
import { submitVerb } from "./cluster-submit-verb";
import { verbs } from "./registry";
import { withUserErrors } from "./step-error";
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
    out: {
      type: "text",
      value: "FILE",
      help: "The table, .csv or .parquet. Default: in the plan's folder.",
    },
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
    if (out !== undefined && plan.kind !== "shards") {
      throw new UserError(`--out has no effect on a plan of kind ${plan.kind}`, "leave it out");
    }
    const { files, says, figures } = await planKinds[plan.kind].collect(folder, plan, out);
    say(`${says}: ${files.join(", ")}`);
    if (figures === undefined) return undefined;
    const byPath = Object.entries(figures).map(([name, figure]) => {
      return [join(folder.path, "figures", name), figure] as const;
    });
    say(`figures: ${(await exportFigures(Object.fromEntries(byPath))).join(", ")}`);
    return undefined;
  },
});

const slurm = defineVerb({
  summary: "Write what is missing of a plan as a script for sbatch: an array, a unit an element",
  words: folderWord,
  options: {
    out: { type: "text", value: "FILE.sh", help: "The script.", required: "units.sh" },
    ...slurmOptions,
  },
  async run({ out, "at-once": atOnce, ...options }, [path]) {
    const folder = new PlanFolder(path);
    const plan = folder.read();
    const missing = plan.units.filter((unit) => folder.done(unit) === undefined);
    if (missing.length === 0) {
      say("every unit is done");
      return undefined;
    }
    const jobs = missing.map((unit) => {
      return jobOf(folder, plan, unit, (folder.attempt(unit)?.number ?? 0) + 1);
    });
    writeFileAtomic(out, slurmScript(jobs, { atOnce, ...options }));
    say(`${jobs.length} units: sbatch ${out}`);
    return undefined;
  },
});

const setup = defineVerb({
  summary: "Install Ray, to try a cluster on this machine",
  details: "Into .tuning-fork/ray. A cluster that is there already needs nothing of it.",
  options: {},
  async run() {
    const { installRay, rayProgram } = await import("#setup/ray.mjs");
    await withUserErrors(() => installRay(projectFolder()));
    say(`${rayProgram(projectFolder())} start --head   begins a cluster of this machine`);
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
  plan: planVerb,
  submit: submitVerb,
  status,
  logs,
  stop,
  collect,
  slurm,
  setup,
  unit,
});
