import {
  createPlan,
  PlanFolder,
  type PlanStatus,
  planStatus,
  runners,
  submitPlan,
  unitKey,
} from "tuning-fork/cluster";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const folder = new PlanFolder("results/many");
  const args = ["image", "a.fits", "--out", "a.png"];
  const unit = { name: "a", args, output: "a.png", key: unitKey(args, null) };
  folder.write(createPlan({ kind: "shards", settings: {}, units: [unit] }));
  const runner = await runners.local.open({ atOnce: 2 });
  const failed = await submitPlan(folder, runner, {
    retries: 1,
    onEvent: ({ unit, what, done, total }) => console.log(unit, what, done / total),
  });
  expectType<Same<typeof failed, string[]>>();
  const status = await planStatus(folder, runner);
  expectType<Same<typeof status, PlanStatus>>();
  // @ts-expect-error: a runner's name is not the runner
  await submitPlan(folder, "local");
  // @ts-expect-error: a unit has a key
  createPlan({ kind: "shards", settings: {}, units: [{ name: "a", args, output: "a.png" }] });
  // @ts-expect-error: a state that there is not
  return status.counts.lost;
}
