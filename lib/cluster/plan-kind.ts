import type { Figure } from "../plots/figure";
import type { Plan, Unit } from "./plan";
import type { PlanFolder } from "./plan-folder";

/** What was made of the units of a plan. */
export interface Collected {
  /** Paths of the files. */
  readonly files: readonly string[];
  /** What they hold, in a few words. */
  readonly says: string;
  /** To be drawn, by name. Default: none. */
  readonly figures?: Readonly<Record<string, Figure>>;
}

/** What the units of a plan are parts of. */
export interface PlanKind {
  /**
   * Make of the units' outputs what they are parts of.
   *
   * @param out The file, where it is one. Default: in the plan's folder.
   * @throws UserError when an output is damaged, or lacks
   */
  collect(folder: PlanFolder, plan: Plan, out?: string): Promise<Collected>;
  /**
   * Units that come after those of the plan, by what these found; none ends it. Default: no plan of this
   * kind has any.
   */
  next?(folder: PlanFolder, plan: Plan): Promise<readonly Unit[]>;
}
