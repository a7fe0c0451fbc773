import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile, type TensorFunction } from "#lib/engine/compile";
import { addBias, conv2d } from "#lib/engine/ops";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { hasWinogradKernel, WINOGRAD } from "#lib/engine/tensorflow/winograd-op";
import { fixed } from "../../cases";
import { withOwnKernel } from "../../support";
import { assertNearPlain, filterOf, handlesOf } from "../support";

/** Convolutions that the kernel takes, one in groups, and others: by 1 × 1, every other pixel, of few channels. */
function makeNet() {
  const bias = tf.variable(fixed([64], [-1, 1], 9)) as tf.Variable<tf.Rank.R1>;
  const filters = [
    filterOf(3, 3, 32, 1),
    filterOf(3, 32, 64, 2),
    filterOf(3, 32, 64, 3),
    filterOf(1, 64, 64, 4),
    filterOf(3, 64, 16, 5),
  ];
  const predict = (x: tf.Tensor) => {
    const [stem, wide, groups, point, few] = filters;
    const y = conv2d(x as tf.Tensor4D, stem, 1, 1);
    const first = tf.relu(addBias(conv2d(y, wide, 1, 1), bias)) as tf.Tensor4D;
    const grouped = addBias(conv2d(first, groups, 1, 1), bias);
    // The same filter over fewer channels, which are one group.
    const alone = addBias(conv2d(y, groups, 1, 1), bias);
    const block = tf.relu(tf.add(tf.add(grouped, first), alone)) as tf.Tensor4D;
    const six = tf.relu6(addBias(conv2d(y, wide, 1, 1), bias)) as tf.Tensor4D;
    const half = conv2d(conv2d(six, point, 1, 0), groups, 2, 1);
    return tf.concat(
      [
        conv2d(block, few, 1, 1),
        tf.pad(half, [
          [0, 0],
          [0, 9],
          [0, 9],
          [0, 0],
        ]),
      ],
      3,
    );
  };
  const learn = (x: tf.Tensor) => {
    const all = [...filters, bias];
    const loss = () => tf.mean(tf.square(predict(x))) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, all);
    return [value, ...all.map(({ name }) => grads[name])];
  };
  return { variables: [...filters, bias], bias, predict, learn };
}

const SIDE = 18;

describe("convolutions that multiply less, in graphs", () => {
  withOwnKernel(hasWinogradKernel);

  it("give what the plain graph gives, of weights that change, and their gradients", () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => {
      const { variables, bias, predict, learn } = makeNet();
      const compiled = compile({ predict, learn }, { variables });
      const kept = compile({ predict }, { variables, constantVariables: true });
      const x = fixed([3, SIDE, SIDE, 3], [-1, 1], 6);
      const check = (when: string) => {
        assertNearPlain(compiled.call.predict, predict, x, 1e-5, when);
        assertNearPlain(kept.call.predict, predict, x, 1e-5, `${when}, kept`);
        assertNearPlain(compiled.call.learn, learn, x, 1e-5, `${when}, gradients`);
      };
      check("at first");
      for (const filter of variables.slice(0, 3)) filter.assign(tf.mul(filter, -2));
      bias.assign(tf.add(bias, 1));
      check("other weights");
      for (const one of [compiled, kept]) one.dispose();
      tf.dispose(variables);
    });
    assert.equal(tf.memory().numTensors, numTensors);
  });

  it("are there for enough channels and pixels in float32, and for nothing else", () => {
    tf.tidy(() => {
      const { variables, predict, learn } = makeNet();
      const handles = handlesOf(variables);
      const count = (
        fn: TensorFunction,
        images: number,
        target: Partial<Parameters<typeof applyPasses>[1]> = {},
      ) => {
        const given = { precision: "float32", portable: false, ...target } as const;
        const x = fixed([images, SIDE, SIDE, 3]);
        const traced = traceFunction("f", fn, [x], handles, given);
        const { nodes } = applyPasses(traced, given);
        return nodes.filter(({ op }) => op.startsWith(WINOGRAD)).length;
      };
      assert.equal(count(predict, 3), 4);
      // Each with a gradient by its image and one by its filter.
      assert.equal(count(learn, 3), 12);
      // Filters that change are worth it for more pixels.
      assert.equal(count(predict, 1), 0);
      // ReLU6 stays with oneDNN, which takes it along.
      assert.equal(count(predict, 1, { constantVariables: true }), 3);
      assert.equal(count(predict, 3, { portable: true }), 0);
      assert.equal(count(predict, 3, { precision: "mixed_bfloat16" }), 0);
      tf.dispose(variables);
    });
  });
});
