import { openDataset } from "tuning-fork/data";
import {
  createTask,
  type Loss,
  listTasks,
  type PredictionTable,
  registerTask,
  type Task,
  type TaskDefinition,
  taskDefinition,
} from "tuning-fork/tasks";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const dataset = await openDataset("synthetic");
  const task = createTask(dataset, { task: "classification", loss: { name: "focal", gamma: 2 } });
  expectType<Same<typeof task, Task<PredictionTable>>>();
  createTask(dataset);
  // @ts-expect-error: a loss has a name and options
  createTask(dataset, { loss: "focal" });
  // @ts-expect-error: no such setting
  createTask(dataset, { name: "classification" });

  const loss = task.createLoss({ dataset, rows: [0, 1] });
  expectType<Same<typeof loss, Loss>>();
  // @ts-expect-error: which rows it learns from decides the weights
  task.createLoss({ dataset });
  for (const direction of Object.values(task.monitors))
    expectType<Same<typeof direction, "max" | "min">>();
  // @ts-expect-error: what a task is cannot be written over
  task.outputs = [];

  const definition = taskDefinition("classification");
  expectType<Same<typeof definition, TaskDefinition>>();
  expectType<Same<ReturnType<typeof registerTask>, () => void>>();
  // @ts-expect-error: the registry is added to by registerTask
  listTasks().push(definition);
  // @ts-expect-error: a task comes back from a saved model, too
  registerTask({ ...definition, fromDescription: undefined });
}
