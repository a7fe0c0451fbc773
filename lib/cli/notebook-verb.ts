import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../core/errors";
import { checkWritable } from "../io/atomic";
import { findPath, packageFolder, projectFolder } from "../io/paths";
import { addPictures } from "../notebook/still-pictures";
import { readParameters } from "./notebook-parameters";
import { withUserErrors } from "./step-error";
import { defineVerb } from "./verb";

export const verb = defineVerb({
  summary: "Run a notebook and keep a copy with outputs and pictures",
  details:
    "The notebook itself stays as it is. A cell that fails ends the run; the copy then holds the error. Each interactive figure of the copy gets a still picture beside it, for GitHub and nbconvert.",
  words: { name: "NAME|FILE.ipynb" },
  options: {
    set: {
      type: "text",
      value: "KEY=VALUE",
      help: "A variable of the notebook's cell tagged `parameters`; a key of the settings, such as train.epochs=5, where that cell has a list `set`.",
      multiple: true,
    },
    out: {
      type: "text",
      value: "FILE.ipynb",
      help: "Where the copy goes.",
      required: "executed.ipynb",
    },
  },
  async run({ set, out }, [name]) {
    const notebook = findNotebook(name);
    const copy = resolve(out);
    if (copy === notebook)
      throw new UserError(`--out ${out} is the notebook itself`, "give another path for the copy");
    checkWritable(copy);
    const parameters = JSON.stringify(readParameters(notebook, set));
    const script = join(packageFolder, "setup", "python", "execute.py");
    const args = [script, notebook, "--to", copy, "--parameters", parameters];
    const { runInVenv } = await import("#setup/lab.mjs");
    const code = await withUserErrors(() => runInVenv(projectFolder(), "python", args));
    if (existsSync(copy)) await addPictures(copy);
    return code;
  },
});

/** A notebook by its path, or by its name in the project's `notebooks/`; the ending may be left out. */
function findNotebook(name: string): string {
  const file = name.endsWith(".ipynb") ? name : `${name}.ipynb`;
  const inFolder = join("notebooks", file);
  const found = [file, inFolder].map(findPath).find((path) => existsSync(path));
  if (found !== undefined) return resolve(found);
  throw new UserError(
    `there is no notebook ${name}, and no ${inFolder} in ${projectFolder()}`,
    "give the path of an .ipynb file",
  );
}
