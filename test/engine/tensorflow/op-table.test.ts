import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { attribute, DT, dtypeNumber, nativeOp } from "#lib/engine/native";
import { startEngine } from "#lib/engine/start";
import {
  castNode,
  type GraphNode,
  isEmbeddable,
  makeNode,
  type Output,
} from "#lib/engine/tensorflow/graph";
import { bfloat16RuleOf, inferOutputs, OPS } from "#lib/engine/tensorflow/op-table";
import { FUSED_FROM } from "#lib/engine/tensorflow/passes/fuse-elementwise";
import { Session } from "#lib/engine/tensorflow/session";
import { fused } from "#lib/engine/trace";
import { EXAMPLES, type OpExample } from "./op-examples";

/** What cannot be called by itself: in graphs only, or with a body or a value of its own. */
/** What names of ops of our own begin with, which have tests of their own. */
const OWN = "TuningFork";
const APART = ["_FusedMatMul", "_MklLayerNorm", "ReadVariableOp", "PartitionedCall", "Const"];

const run = (op: string, { attributes, inputs, outputs }: OpExample, given = inputs()) =>
  nativeOp(op, attributes, given, outputs);

function assertClose(got: tf.Tensor, expected: tf.Tensor, tolerance: number, what: string) {
  assert.deepEqual(got.shape, expected.shape, what);
  const [a, b] = [got, expected].map((x) => Array.from(tf.cast(x, "float32").dataSync()));
  const largest = Math.max(1, ...b.map(Math.abs));
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]) <= tolerance * largest, `${what}: ${value} for ${b[i]}`);
  });
}

/** A constant node, so that a graph knows shapes and axes. */
function constant(tensor: tf.Tensor, i: number): Output {
  const type = { shape: tensor.shape, dtype: dtypeNumber(tensor.dtype) };
  assert.ok(isEmbeddable(type.dtype));
  const values = tensor.dataSync();
  const bytes = new Uint8Array(values.buffer.slice(0), values.byteOffset, values.byteLength);
  return {
    node: makeNode(`operand${i}`, "Const", { outputs: [type], value: { ...type, bytes } }),
    index: 0,
  };
}

/** An input that is fed: nodes over constants alone are computed on the processor, also beside a GPU. */
function fed(tensor: tf.Tensor, i: number): Output {
  const type = { shape: tensor.shape, dtype: dtypeNumber(tensor.dtype) };
  const attributes = [attribute.type("dtype", type.dtype), attribute.shape("shape", tensor.shape)];
  return {
    node: makeNode(`operand${i}`, "Placeholder", { attributes, outputs: [type] }),
    index: 0,
  };
}

/** Run one node, and give its outputs in float32 where they are bfloat16. */
function inGraph(node: (operands: readonly Output[]) => GraphNode[], inputs: tf.Tensor[]) {
  const isFed = ({ dtype }: tf.Tensor) => dtype === "float32";
  const operands = inputs.map((tensor, i) => (isFed(tensor) ? fed : constant)(tensor, i));
  const nodes = node(operands);
  const last = nodes[nodes.length - 1];
  const wide = last.outputs.map((type, index) =>
    type.dtype === DT.bfloat16
      ? castNode(`wide${index}`, { node: last, index }, DT.float32)
      : undefined,
  );
  const all = [...operands.map((operand) => operand.node), ...nodes];
  const session = new Session([...all, ...wide.flatMap((cast) => cast ?? [])]);
  const names = last.outputs.map((_, i) => (wide[i] ? `wide${i}:0` : `${last.name}:${i}`));
  const feeds = operands.flatMap(({ node: { name } }, i) =>
    isFed(inputs[i]) ? [`${name}:0`] : [],
  );
  const results = session.run(inputs.filter(isFed), feeds, names);
  session.close();
  return results;
}

describe("the table of ops", () => {
  before(() => startEngine());

  it("has an example for each op, and no other", () => {
    assert.deepEqual(
      Object.keys({ ...EXAMPLES }).sort(),
      [...Object.keys(OPS).filter((op) => !APART.includes(op) && !op.startsWith(OWN))].sort(),
    );
  });

  for (const [op, example] of Object.entries(EXAMPLES)) {
    const { shape, bfloat16, output, elementwise, gradient } = OPS[op] ?? {};

    if (shape !== undefined) {
      it(`${op}: shapes and types as TensorFlow gives them`, () => {
        tf.tidy(() => {
          const inputs = example.inputs();
          const inferred = inferOutputs(
            op,
            example.attributes,
            inputs.map((x) => ({
              shape: x.shape,
              dtype: dtypeNumber(x.dtype),
              values: x.dtype === "int32" ? x.dataSync() : undefined,
            })),
          );
          const all = run(op, example, inputs);
          // The rest is what kernels keep for themselves, as each likes.
          const results = op.startsWith("FusedBatchNorm") ? all.slice(0, 3) : all;
          assert.deepEqual(
            inferred?.slice(0, results.length),
            results.map((x) => ({ shape: x.shape, dtype: dtypeNumber(x.dtype) })),
          );
        });
      });
    }

    if (bfloat16 !== undefined) {
      it(`${op}: near float32 in bfloat16`, () => {
        tf.tidy(() => {
          const rule = bfloat16RuleOf(op);
          // This processor computes it in float32.
          if (rule === undefined) return;
          const has = (list: readonly number[] | undefined, i: number) => list?.includes(i) ?? true;
          const inputs = example.inputs();
          const expected = run(op, example, inputs);
          const typeName = rule.attribute ?? "T";
          const results = inGraph((operands) => {
            const casts = operands.map((operand, i) => {
              const low = inputs[i].dtype === "float32" && has(rule.inputs, i);
              return low ? castNode(`low${i}`, operand, DT.bfloat16) : undefined;
            });
            const node = makeNode("op", op, {
              inputs: operands.map((operand, i) => {
                const cast = casts[i];
                return cast ? { node: cast, index: 0 } : operand;
              }),
              attributes: example.attributes.map((a) =>
                a.name === typeName ? attribute.type(typeName, DT.bfloat16) : a,
              ),
              outputs: expected.map((x, i) => ({
                shape: x.shape,
                dtype:
                  x.dtype === "float32" && has(rule.outputs, i)
                    ? DT.bfloat16
                    : dtypeNumber(x.dtype),
              })),
            });
            return [...casts.flatMap((cast) => cast ?? []), node];
          }, inputs);
          // What a batch norm's later outputs mean is its own affair.
          const compared = op.startsWith("FusedBatchNorm") ? 3 : expected.length;
          expected.slice(0, compared).forEach((value, i) => {
            assertClose(results[i], value, 0.03, `output ${i}`);
          });
        });
      });
    }

    if (output !== undefined) {
      it(`${op}: the same inside a kernel`, () => {
        tf.tidy(() => {
          const inputs = example.inputs();
          const [expected] = run(op, example, inputs);
          const outputs = [{ shape: expected.shape, dtype: dtypeNumber(expected.dtype) }];
          const results = inGraph((operands) => {
            const isNumber = (i: number) => inputs[i].dtype === "float32";
            const parameters = operands.map(({ node }, i) =>
              isNumber(i) ? makeNode(`a${i}`, "", { outputs: node.outputs }) : undefined,
            );
            const inner = makeNode("inner", op, {
              attributes: example.attributes,
              inputs: operands.map((operand, i) => ({
                node: parameters[i] ?? operand.node,
                index: 0,
              })),
              outputs,
            });
            const own = operands.flatMap(({ node }, i) => (isNumber(i) ? [] : [node]));
            const body = {
              parameters: parameters.flatMap((parameter) => parameter ?? []),
              nodes: [...own, inner],
              outputs: [{ node: inner, index: 0 }],
            };
            const given = operands.filter((_, i) => isNumber(i));
            return [makeNode("call", "PartitionedCall", { inputs: given, outputs, body })];
          }, inputs);
          assertClose(results[0], expected, 1e-5, op);
        });
      });
    }

    if (elementwise === true) {
      it(`${op}: each element from those at its place`, () => {
        tf.tidy(() => {
          const inputs = example.inputs();
          const [whole] = run(op, example, inputs);
          const broadcast = inputs.map((x) => tf.mul(tf.cast(x, "float32"), tf.ones(whole.shape)));
          const reversed = broadcast.map((x, i) => {
            const turned = tf.reverse(x);
            return inputs[i].dtype === "bool" ? tf.greater(turned, 0) : turned;
          });
          const [turned] = run(op, example, reversed);
          assertClose(tf.reverse(tf.cast(turned, "float32")), whole, 1e-6, op);
        });
      });
    }

    if (elementwise === true) {
      it(`${op}: works in fused(), small and large`, () => {
        tf.tidy(() => {
          const fn = (...xs: tf.Tensor[]) =>
            tf.cast(
              fused(() => run(op, example, xs)[0]),
              "float32",
            );
          const compiled = compile({ fn }, { variables: [] });
          for (const times of [1, FUSED_FROM / 8]) {
            const inputs = example.inputs().map((x) => (x.rank < 2 ? x : tf.tile(x, [times, 1])));
            assertClose(compiled.call.fn(...inputs), fn(...inputs), 1e-5, `${times} times`);
          }
          compiled.dispose();
        });
      });
    }

    if (gradient !== undefined) {
      it(`${op}: the gradient that tfjs has`, () => {
        tf.tidy(() => {
          const x = example.inputs()[0];
          const fn = DIFFERENTIATED[op] ?? assert.fail(`no function for ${op}`);
          const dy = fixedLike(fn(x));
          const expected = tf.grad(fn)(x, dy);
          const own = tf.getGradient(op);
          tf.unregisterGradient(op);
          tf.registerGradient({ kernelName: op, ...gradient });
          try {
            assertClose(tf.grad(fn)(x, dy), expected, 1e-6, op);
          } finally {
            tf.unregisterGradient(op);
            tf.registerGradient(own);
          }
        });
      });
    }
  }
});

/** What tfjs makes of these ops. */
const DIFFERENTIATED: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  Relu: tf.relu,
  Relu6: tf.relu6,
  Sigmoid: tf.sigmoid,
  Tanh: tf.tanh,
  Sum: (x) => tf.sum(x, [0, 2]),
  Mean: (x) => tf.mean(x, [0, 2]),
  Tile: (x) => tf.tile(x, [2, 1]),
};

function fixedLike(x: tf.Tensor): tf.Tensor {
  return tf.cos(tf.reshape(tf.range(0, x.size), x.shape));
}
