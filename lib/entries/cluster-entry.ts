/**
 * Many units of work at once: on this machine or a cluster, each done once.
 *
 * @module tuning-fork/cluster
 */

export { ablationPlan } from "../cluster/ablation-plan";
export { collectParquet } from "../cluster/collect-parquet";
export { collectShards } from "../cluster/collect-shards";
export { estimatePlan, type PlanEstimate, type PlanMeasure } from "../cluster/estimate-plan";
export { type PartRows, partsOfIds, partsOfTable } from "../cluster/part-rows";
export { createPlan, type Plan, type PlanParts, type Unit, unitKey } from "../cluster/plan";
export {
  type Attempt,
  type Done,
  PlanFolder,
  type UnitProcess,
} from "../cluster/plan-folder";
export type { Collected, PlanKind } from "../cluster/plan-kind";
export { type PlanStatus, planStatus, type UnitStatus } from "../cluster/plan-status";
export { type RayJob, RayJobs } from "../cluster/ray-jobs";
export { planKinds, runners } from "../cluster/registry";
export { runUnit } from "../cluster/run-unit";
export type {
  Job,
  JobState,
  Resources,
  Runner,
  RunnerDefinition,
  RunnerOptions,
} from "../cluster/runner";
export { type ShardedCall, shardPlan } from "../cluster/shard-plan";
export { slurmScript } from "../cluster/slurm-runner";
export { stopPlan } from "../cluster/stop-plan";
export { type SubmitOptions, submitPlan, type UnitEvent } from "../cluster/submit-plan";
export { loadSweep, type Sweep, type SweepCandidate } from "../cluster/sweep-config";
export { readSweep, sweepPlan } from "../cluster/sweep-plan";
