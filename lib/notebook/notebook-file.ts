import { readFileSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../core/errors";
import { systemError } from "../core/system-errors";

const bundle = z.record(z.string(), z.unknown());

// Keys that are not named here stay: who changes a notebook writes all of it back.
const notebookSchema = z.looseObject({
  cells: z.array(
    z.looseObject({
      cell_type: z.string(),
      metadata: z.looseObject({ tags: z.array(z.string()).optional() }).optional(),
      source: z.union([z.string(), z.array(z.string())]),
      outputs: z
        .array(z.looseObject({ data: bundle.optional(), metadata: bundle.optional() }))
        .optional(),
    }),
  ),
});

/** What of a notebook's file is looked at; the rest is there, too. */
export type NotebookFile = z.output<typeof notebookSchema>;

/**
 * Read a notebook of Jupyter's format 4.
 *
 * @throws UserError when the file cannot be read, or is no notebook
 */
export function readNotebook(path: string): NotebookFile {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw systemError(cause, path, "cannot be read");
    throw new UserError(`${path} is not a notebook: ${cause.message}`, "give an .ipynb file", {
      cause,
    });
  }
  // What was read, not zod's copy, which has its keys in another order.
  if (notebookSchema.safeParse(content).success) return content as NotebookFile;
  throw new UserError(`${path} is not a notebook of format 4`, "save it again in JupyterLab");
}
