/** What was measured of a model on some galaxies, and how many there are. */
export interface PlanMeasure {
  /** How many there are in all. */
  readonly galaxies: number;
  /** Galaxies a second of one process. */
  readonly rate: number;
  /** What a unit takes before its first galaxy: the program, the model, the catalog. Seconds. */
  readonly startSeconds: number;
  /** Of a galaxy's picture, bytes. */
  readonly bytesRead: number;
  /** Of a galaxy's answers, bytes. */
  readonly bytesWritten: number;
  /** Units at once. Default 1. */
  readonly atOnce?: number;
  /** How many parts. Default: so many that each takes about an hour, and no place stays empty. */
  readonly shards?: number;
}

/** What a plan will take. */
export interface PlanEstimate {
  /** Parts. */
  readonly shards: number;
  /** Galaxies of a part. */
  readonly galaxiesPerShard: number;
  /** Of one part, hours. */
  readonly hoursPerShard: number;
  /** Of all parts together, hours of a process. */
  readonly hours: number;
  /** Until the last part is done, hours. */
  readonly hoursToWait: number;
  /** Of all pictures, bytes. */
  readonly bytesRead: number;
  /** Of all answers, bytes. */
  readonly bytesWritten: number;
}

/** A part that is lost costs an hour at most, and its start is a small share of it. */
const SHARD_SECONDS = 3600;

/** What it takes to ask a model about many galaxies, by what it took for a few. */
export function estimatePlan({
  galaxies,
  rate,
  startSeconds,
  atOnce = 1,
  shards: asked,
  ...bytes
}: PlanMeasure): PlanEstimate {
  const fitting = Math.max(atOnce, Math.ceil(galaxies / rate / SHARD_SECONDS));
  const shards = Math.min(galaxies, asked ?? fitting);
  const galaxiesPerShard = Math.ceil(galaxies / shards);
  const hoursPerShard = (startSeconds + galaxiesPerShard / rate) / 3600;
  return {
    shards,
    galaxiesPerShard,
    hoursPerShard,
    hours: (shards * startSeconds + galaxies / rate) / 3600,
    hoursToWait: Math.ceil(shards / atOnce) * hoursPerShard,
    bytesRead: galaxies * bytes.bytesRead,
    bytesWritten: galaxies * bytes.bytesWritten,
  };
}
