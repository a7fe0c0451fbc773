import type * as tf from "@tensorflow/tfjs-core";
import { attribute, DT } from "../native";
import { castNode, type GraphNode, makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { Session } from "./session";

/** How near a result must be: bfloat16 has eight bits. */
const NEAR = 0.02;

/**
 * Whether nodes compute what they should, tried on small tensors. Which kernels there are depends on processor,
 * TensorFlow's build and compiler, and TensorFlow does not tell.
 *
 * @param dtype Of the tensors, which are given as float32.
 * @param given By name; each is filled with one value, or has these.
 * @param make The nodes, in an order in which each comes after what it reads.
 * @param expected What every element of each node's result is.
 * @param full Which of the given stay float32. Default none.
 */
export function computes(
  dtype: number,
  given: Readonly<Record<string, tf.Tensor>>,
  make: (given: Readonly<Record<string, Output>>) => readonly GraphNode[],
  expected: readonly number[],
  full: readonly string[] = [],
): boolean {
  const names = Object.keys(given);
  const fed = names.map((name) => {
    const { shape } = given[name];
    return makeNode(name, "Placeholder", {
      attributes: [attribute.type("dtype", DT.float32), attribute.shape("shape", shape)],
      outputs: [{ shape, dtype: DT.float32 }],
    });
  });
  const casts = fed.map((node) => {
    const wanted = full.includes(node.name) ? DT.float32 : dtype;
    return castNode(`${node.name}_cast`, { node, index: 0 }, wanted);
  });
  const made = make(
    Object.fromEntries(names.map((name, i) => [name, { node: casts[i], index: 0 }])),
  );
  const results = made.map((node, i) => castNode(`result${i}`, { node, index: 0 }, DT.float32));
  let session: Session | undefined;
  try {
    session = new Session([...fed, ...casts, ...made, ...results]);
    const outputs = session.run(
      Object.values(given),
      names.map((name) => `${name}:0`),
      results.map(({ name }) => `${name}:0`),
    );
    return outputs.every((output, i) =>
      output.dataSync().every((value) => Math.abs(value - expected[i]) < NEAR),
    );
  } catch {
    return false;
  } finally {
    session?.close();
  }
}

/**
 * Whether oneDNN has a kernel in an element type, asked once.
 *
 * @param attempt Tries it.
 */
export function triedOnce(attempt: (dtype: number) => boolean): (dtype: number) => boolean {
  const tried = new Map<number, boolean>();
  return (dtype) => {
    if (dtype === DT.bfloat16 && !processor().normalizesBfloat16) return false;
    const works = tried.get(dtype) ?? attempt(dtype);
    tried.set(dtype, works);
    return works;
  };
}
