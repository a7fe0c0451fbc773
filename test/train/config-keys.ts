import { lossShapes } from "#lib/tasks/registry";

/** As much of a zod schema's inside as is needed to go through its keys. */
interface Node {
  readonly def: {
    readonly type: string;
    readonly innerType?: Node;
    readonly in?: Node;
    readonly out?: Node;
    readonly element?: Node;
    readonly options?: readonly Node[];
    readonly shape?: Readonly<Record<string, Node>>;
  };
}

/**
 * Every key of a config's schema as a path, such as `train.optimizer.momentum`; of a choice by name the
 * keys of all that can be chosen. Mappings themselves are left out.
 */
export function configKeys(schema: unknown): string[] {
  const keys = new Set<string>();
  visit(schema as Node, "", keys);
  for (const shape of Object.values(lossShapes())) {
    for (const key of Object.keys(shape)) keys.add(`train.loss.${key}`);
  }
  keys.delete("train.loss");
  return [...keys].sort();
}

function visit({ def }: Node, path: string, keys: Set<string>): void {
  const { innerType, element, shape, options = [] } = def;
  // Of a check and a change that follow each other, the one that is no change has the keys.
  const piped =
    def.type !== "pipe" ? undefined : def.in?.def.type === "transform" ? def.out : def.in;
  const inner = innerType ?? piped ?? (element?.def.shape === undefined ? undefined : element);
  if (inner !== undefined) visit(inner, path, keys);
  else if (shape !== undefined) {
    for (const [key, value] of Object.entries(shape)) {
      visit(value, path === "" ? key : `${path}.${key}`, keys);
    }
  } else if (options.some((option) => option.def.shape !== undefined)) {
    for (const option of options) visit(option, path, keys);
  } else keys.add(path);
}
