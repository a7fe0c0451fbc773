import { UserError } from "../core/errors";
import type { BoosterLibrary } from "./booster-library";
import { lightgbm } from "./lightgbm";
import { xgboost } from "./xgboost";

/** Every library of gradient boosting. */
export const boosterLibraries: readonly BoosterLibrary[] = [xgboost, lightgbm];

/** @throws UserError when there is none of this name */
export function boosterLibrary(name: string): BoosterLibrary {
  const found = boosterLibraries.find((library) => library.name === name);
  if (found !== undefined) return found;
  const known = boosterLibraries.map((library) => library.name).join(", ");
  throw new UserError(`there is no library of boosted trees "${name}"`, `take one of ${known}`);
}
