import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../core/errors";
import type { VoteQuestion } from "./dataset";
import { checkTree, type DecisionTree } from "./decision-tree";

/** YAML reads the name 3 as a number. */
const name = z.union([z.string().min(1), z.number()]).transform(String);
const question = z.strictObject({
  /** Such as `edge-on`. */
  name,
  /** Short names of its answers; a table's columns are called `<question>_<answer>`. */
  answers: z.array(name),
  /** Answers that lead to it, as `<question>_<answer>`. Default: everybody is asked. */
  after: z.union([name.transform((one) => [one]), z.array(name)]).optional(),
  /** Whether volunteers could give answers that are not listed. Default false. */
  others: z.boolean().optional(),
});
const schema = z.strictObject({ questions: z.array(question) });

/**
 * A decision tree in YAML:
 *
 *     questions:
 *       - { name: shape, answers: [smooth, disk, artifact] }
 *       - { name: bar, answers: [yes, no], after: shape_disk }
 *
 * @param source The file, for messages.
 * @throws UserError naming each key that is wrong, and what {@link checkTree} refuses
 */
export function parseTree(text: string, source: string): DecisionTree {
  // YAML 1.1 took yes and no for truth values; 1.2 leaves them the words that volunteers chose.
  let given: unknown;
  try {
    given = parse(text);
  } catch (cause) {
    throw new UserError(`${source} is no YAML: ${cause}`, "correct the file", { cause });
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    );
    throw new UserError(
      `${source} is no decision tree: ${problems.join("; ")}`,
      "write `questions:` with a list of { name, answers, after }",
    );
  }
  const tree = result.data.questions.map(
    ({ name, answers, ...more }): VoteQuestion => ({
      name,
      answers: answers.map((answer) => `${name}_${answer}`),
      ...more,
    }),
  );
  return checkTree(tree, source);
}
