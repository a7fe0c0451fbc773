import { readFile } from "node:fs/promises";
import { UserError } from "../core/errors";
import { findPath } from "../io/paths";
import { decalsQuestions } from "./decals-tree";
import type { DecisionTree } from "./decision-tree";
import { gz2MainQuestions, gz2Questions } from "./galaxy-zoo-tree";
import { parseTree } from "./tree-yaml";

/** The decision trees that go by a name: one line each. */
export const decisionTrees: Readonly<Record<string, DecisionTree>> = {
  gz2: gz2Questions,
  "gz2-main": gz2MainQuestions,
  decals: decalsQuestions,
};

/**
 * A decision tree by its name, or from a YAML file.
 *
 * @param source A name in {@link decisionTrees}, or a file as {@link parseTree} takes it.
 * @throws UserError where it is neither, or the file's tree is wrong
 */
export async function openTree(source: string): Promise<DecisionTree> {
  if (Object.hasOwn(decisionTrees, source)) return decisionTrees[source];
  const path = findPath(source);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UserError(
      `there is no decision tree "${source}", and no file of that name`,
      `take one of ${Object.keys(decisionTrees).join(", ")}, or write a YAML file of questions`,
      { cause },
    );
  });
  return parseTree(text, path);
}
