/** Submits the plan of a folder in a process of its own, for tests that kill it. */
const { resolve } = require("node:path");
const { PlanFolder } = require("../../lib/dist/cluster/plan-folder.js");
const { runners } = require("../../lib/dist/cluster/registry.js");
const { submitPlan } = require("../../lib/dist/cluster/submit-plan.js");

const [, , path, on, options] = process.argv;
runners[on].open({ atOnce: 2, ...JSON.parse(options ?? "{}") }).then((runner) =>
  submitPlan(new PlanFolder(path), runner, {
    pollSeconds: 0.02,
    command: [process.execPath, resolve(__dirname, "fake-unit.cjs")],
  }),
);
