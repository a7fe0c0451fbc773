import { ablation } from "./ablation-plan";
import { shards } from "./collect-shards";
import { local } from "./local-runner";
import type { PlanKind } from "./plan-kind";
import { ray } from "./ray-runner";
import type { RunnerDefinition } from "./runner";
import { slurmRunner } from "./slurm-runner";
import { sweep } from "./sweep-plan";

/** Where units can run, by name. A new runner is one file and one line here. */
export const runners: Readonly<Record<string, RunnerDefinition>> = {
  local,
  ray,
  slurm: slurmRunner,
};

/** What plans can be of, by name. A new kind is one file and one line here. */
export const planKinds: Readonly<Record<string, PlanKind>> = {
  shards,
  ablation,
  sweep,
};
