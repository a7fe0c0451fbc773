import { parse } from "yaml";
import { UserError } from "../core/errors";
import { nearestWord } from "../core/nearest";
import { readNotebook } from "../notebook/notebook-file";

/** A variable of the cell tagged `parameters`. */
interface Declared {
  readonly name: string;
  readonly isText: boolean;
}

const DECLARATION =
  /^\s*(?:const|let|var)\s+([\p{L}_$][\p{L}\p{N}_$]*)\s*(?::([^=\n]*))?=\s*(.)/gmu;

/**
 * The values that a run gives to variables of a notebook's cell tagged `parameters`.
 *
 * @param path The notebook.
 * @param assignments Such as `size=5`: a variable of that cell. Where the cell has a list `set`, keys that it
 *   does not declare are settings, such as `train.epochs=5`, and go into that.
 * @returns a value of each variable that is assigned
 * @throws UserError where the notebook is not one, or has no such parameter
 */
export function readParameters(
  path: string,
  assignments: readonly string[],
): Readonly<Record<string, unknown>> {
  const declared = declaredIn(path);
  const values: Record<string, unknown> = {};
  const settings: string[] = [];
  for (const assignment of assignments) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (key === undefined)
      throw new UserError(`--set ${assignment} is not KEY=VALUE`, "write it as size=5");
    const variable = declared.find(({ name }) => name === key);
    if (variable) values[key] = variable.isText ? value : parsedValue(assignment, value);
    else if (declared.some(({ name }) => name === "set")) settings.push(assignment);
    else throw unknownParameter(path, key, declared);
  }
  return settings.length === 0 ? values : { ...values, set: settings };
}

function declaredIn(path: string): readonly Declared[] {
  const cell = readNotebook(path).cells.find(({ metadata }) =>
    metadata?.tags?.includes("parameters"),
  );
  const source = [cell?.source ?? ""].flat().join("");
  return Array.from(source.matchAll(DECLARATION), ([, name, type = "", first]) => ({
    name,
    isText: type.trim() === "string" || (type.trim() === "" && /["'`]/.test(first)),
  }));
}

function parsedValue(assignment: string, value: string): unknown {
  try {
    return parse(value);
  } catch (cause) {
    throw new UserError(
      `--set ${assignment}: the value is no YAML`,
      "write a number, a word or a [list]",
      {
        cause,
      },
    );
  }
}

function unknownParameter(path: string, key: string, declared: readonly Declared[]): UserError {
  const names = declared.map(({ name }) => name);
  if (names.length === 0)
    return new UserError(
      `${path} has no parameters, so that --set ${key} would have no effect`,
      "tag a cell `parameters` (JupyterLab: the gears at the top right) and declare them there",
    );
  const meant = nearestWord(key, names);
  return new UserError(
    `${path} has no parameter "${key}"; it has ${names.join(", ")}`,
    meant === undefined ? "give one of these" : `did you mean ${meant}?`,
  );
}
