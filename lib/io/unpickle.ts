import { UserError } from "../core/errors";

/** Something that a pickle names and a reader makes by itself: a class or function of Python. */
export type Known = (...values: readonly unknown[]) => unknown;

const MARK = Symbol("mark");
/** No list, text or file of weights needs more. */
const MOST = 2 ** 26;

/**
 * Read a Python pickle of plain values (protocol 2 to 4), without running anything: names that are not among
 * `known` are refused, and no attribute is set.
 *
 * @param file For messages.
 * @param known What stands for each `module name` of Python.
 * @param persistent What stands for something that is kept outside of the pickle.
 * @returns dictionaries as `Map`, tuples and lists as arrays
 * @throws UserError for bytes that are no such pickle, or one that would run other code
 */
export function unpickle(
  bytes: Uint8Array,
  file: string,
  known: Readonly<Record<string, Known>>,
  persistent: (id: unknown) => unknown,
): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;
  const fail = (why: string): never => {
    throw new UserError(`${file} is no sound file of weights: ${why}`, "download or save it again");
  };
  const take = (length: number) => {
    if (!(length <= MOST) || at + length > bytes.length) return fail("it ends too early");
    at += length;
    return at - length;
  };
  const text = (length: number) => {
    const from = take(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("it ends too early");
    const found = text(end - at);
    at++;
    return found;
  };
  const pop = () => (stack.length === 0 ? fail("its stack is empty") : stack.pop());
  const toMark = () => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) fail("its stack has no mark");
    return stack.splice(from).slice(1);
  };
  const top = <T>(kind: new (...args: never[]) => T): T => {
    const last = stack.at(-1);
    return last instanceof kind ? last : fail("a value is of another kind than it says");
  };
  const named = (name: string): Known => {
    if (Object.hasOwn(known, name)) return known[name];
    throw new UserError(
      `${file} would run Python's ${name.replace(" ", ".")}, and holds more than weights`,
      "save the state dict alone, or as .safetensors",
    );
  };
  const remember = (index: number) => memo.set(index, stack.at(-1));
  const recall = (index: number) =>
    stack.push(memo.has(index) ? memo.get(index) : fail(`nothing is kept under ${index}`));
  const setItems = (items: readonly unknown[]) => {
    const map = top(Map);
    for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
  };
  const steps: Readonly<Record<number, () => unknown>> = {
    128: () => take(1), // protocol
    149: () => take(8), // frame
    40: () => stack.push(MARK),
    41: () => stack.push([]),
    93: () => stack.push([]),
    125: () => stack.push(new Map()),
    78: () => stack.push(undefined),
    136: () => stack.push(true),
    137: () => stack.push(false),
    74: () => stack.push(view.getInt32(take(4), true)),
    75: () => stack.push(bytes[take(1)]),
    77: () => stack.push(view.getUint16(take(2), true)),
    138: () => {
      const length = bytes[take(1)];
      if (length > 8) fail("a number is too large");
      const from = take(length);
      let value = 0n;
      for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]);
      stack.push(Number(BigInt.asIntN(8 * length, value)));
    },
    71: () => stack.push(view.getFloat64(take(8))),
    88: () => stack.push(text(view.getUint32(take(4), true))),
    140: () => stack.push(text(bytes[take(1)])),
    113: () => remember(bytes[take(1)]),
    114: () => remember(view.getUint32(take(4), true)),
    148: () => remember(memo.size),
    104: () => recall(bytes[take(1)]),
    106: () => recall(view.getUint32(take(4), true)),
    99: () => stack.push(named(`${line()} ${line()}`)),
    147: () => {
      const [name, module] = [pop(), pop()];
      stack.push(named(`${module} ${name}`));
    },
    116: () => stack.push(toMark()),
    133: () => stack.push(stack.splice(-1)),
    134: () => stack.push(stack.splice(-2)),
    135: () => stack.push(stack.splice(-3)),
    97: () => {
      const value = pop();
      top(Array).push(value);
    },
    101: () => {
      const values = toMark();
      top(Array).push(...values);
    },
    115: () => {
      const value = pop();
      setItems([pop(), value]);
    },
    117: () => setItems(toMark()),
    81: () => stack.push(persistent(pop())),
    82: () => {
      const given = pop();
      const make = pop();
      if (typeof make !== "function" || !Array.isArray(given))
        return fail("a call has no function");
      return stack.push(make(...given));
    },
    // Attributes of a dictionary, such as its `_metadata`: they are not looked at.
    98: () => pop(),
  };
  for (;;) {
    const code = bytes[take(1)];
    if (code === 46) return pop();
    const step = steps[code];
    if (step === undefined) fail(`it has a step ${code} that is not read`);
    step();
  }
}
