import { realpathSync } from "node:fs";
import { findPath } from "../io/paths";
import { datasets } from "./registry";

/** Whether two SPECs mean the same data, however their paths are written. */
export function isSameData(a: string, b: string): boolean {
  const resolved = (spec: string) => {
    if (datasets.some(({ info }) => info.name === spec)) return spec;
    try {
      return realpathSync(findPath(spec));
    } catch {
      return spec;
    }
  };
  return a === b || resolved(a) === resolved(b);
}
