/** A short run in the folder given, to be killed by a test. */
require("tsx/cjs");
const { startEngine } = require("#lib/engine/start");
const { createModel } = require("#lib/models/registry");
const { parseConfig, trainConfigSchema } = require("#lib/train/config");
const { fit } = require("#lib/train/fit");
const { RunFolder } = require("#lib/train/run-folder");
const { createTask } = require("#lib/tasks/registry");
const { rowsOf, tinyDataset } = require("./support.ts");

async function main(path) {
  await startEngine();
  const config = parseConfig(trainConfigSchema, { epochs: 12, batchSize: 8, checkpointSeconds: 0.02 });
  const run = new RunFolder(path);
  const rows = { train: rowsOf(0, 48), val: rowsOf(48, 64) };
  const model = createModel("test_custom_cnn", { numClasses: 2 });
  const dataset = tinyDataset();
  await fit({ model, task: createTask(dataset), dataset, ...rows }, config, run, { onStep: () => console.log("step") });
}

void main(process.argv[2]);
