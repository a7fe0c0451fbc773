import { z } from "zod";

/** Numbers as a config has them. */
export const positive = z.number().positive();
/** 0 … 1. */
export const share = z.number().min(0).max(1);
/** 0 … 1, and 1 is too much. */
export const shareBelowOne = z.number().min(0).lt(1);
/** A whole number from 1. */
export const count = z.int().positive();

/** Keys that are called otherwise: in British spelling, or in versions before. */
const renamed: Readonly<Record<string, string>> = {
  optimiser: "is unknown: write optimizer",
  colour: "is unknown: write color",
  selectBy: "is now monitor",
  evaluateEvery: "is now validationInterval",
  accumulate: "is now gradientAccumulation",
  warmup: "is now warmupEpochs, or risingShare of onecycle",
  testTimeAugmentation: "is now a key of predict",
};

/** Says of a key that a mapping does not have where it belongs; undefined where that is not known. */
type Elsewhere = (key: string) => string | undefined;

/**
 * A mapping of keys. Those that it does not have are refused, with what to write instead where that is
 * known.
 */
export function settings<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  elsewhere: Elsewhere = () => undefined,
) {
  return z.strictObject(shape, {
    error: ({ code, keys }) => {
      if (code !== "unrecognized_keys" || !Array.isArray(keys)) return undefined;
      const sentences = keys.map((key) => elsewhere(key) ?? renamedKey(key));
      return `${sentences.join("; ")} (the keys are ${Object.keys(shape).join(", ")})`;
    },
  });
}

function renamedKey(key: string): string {
  return Object.hasOwn(renamed, key) ? `"${key}" ${renamed[key]}` : `there is no key "${key}"`;
}

/** The keys of several things that a config chooses from by `name`. */
export type Shapes = Readonly<Record<string, z.core.$ZodLooseShape>>;

/** The settings of one of several things; keys of another one are refused by naming that one. */
export function choice<const S extends Shapes, const Name extends keyof S & string>(
  name: Name,
  shapes: S,
) {
  const shape: {
    /** Which one. */
    name: z.ZodLiteral<Name>;
  } & S[Name] = {
    /** Which one. */
    name: z.literal(name),
    ...shapes[name],
  };
  return settings(shape, (key) => {
    const owners = Object.keys(shapes).filter((other) => Object.hasOwn(shapes[other], key));
    if (owners.length === 0) return undefined;
    return `"${key}" is a key of ${owners.join(", ")} and has no effect on ${name}`;
  });
}

/** `name` may be left out. */
type Nameless<T> = T extends { name: infer Name }
  ? Omit<T, "name"> & {
      /** Which one. */
      name?: Name;
    }
  : T;

/** Settings in which `name` may be left out: then this one is meant. */
export function withDefaultName<Union extends z.ZodType>(name: string, union: Union) {
  const schema = z.preprocess(
    (given) =>
      typeof given === "object" && given !== null && !("name" in given)
        ? { name, ...given }
        : given,
    union,
  );
  return schema as z.ZodType<z.output<Union>, Nameless<z.input<Union>>>;
}
