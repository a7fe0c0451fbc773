import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { DT } from "#lib/engine/native";
import { addBias, conv2d, depthwiseConv2d } from "#lib/engine/ops";
import { startEngine } from "#lib/engine/start";
import { worksFusedConvolution } from "#lib/engine/tensorflow/fused-convolution";
import { hasLinearKernel, LINEAR } from "#lib/engine/tensorflow/linear-op";
import { fuseConvolutions } from "#lib/engine/tensorflow/passes/fuse-convolutions";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../../cases";
import { notOnGpu } from "../../support";
import { assertNearPlain, handlesOf } from "../support";

const CHANNELS = 16;

/** A residual block and more: what is fused, and what only looks like it. */
function makeNet() {
  const filter = (salt: number, channelsIn = CHANNELS) =>
    tf.variable(
      tf.mul(fixed([3, 3, channelsIn, CHANNELS], [-1, 1], salt), 0.2),
    ) as tf.Variable<tf.Rank.R4>;
  const [f1, f2, f3, f4] = [filter(1), filter(2), filter(3), filter(4, CHANNELS / 4)];
  const depthwise = tf.variable(fixed([5, 5, CHANNELS, 1], [-1, 1], 7)) as tf.Variable<tf.Rank.R4>;
  const b1 = tf.variable(fixed([CHANNELS], [-1, 1], 5)) as tf.Variable<tf.Rank.R1>;
  const variables = [f1, f2, f3, f4, depthwise, b1];
  const predict = (given: tf.Tensor) => {
    const x = given as tf.Tensor4D;
    const same = (y: tf.Tensor4D, by: tf.Variable<tf.Rank.R4>) => conv2d(y, by, 1, 1);
    const inner = tf.relu(addBias(same(x, f1), b1)) as tf.Tensor4D;
    const block = tf.relu(tf.add(addBias(same(inner, f2), b1), x)) as tf.Tensor4D;
    // A sum of two convolutions; without a bias; at most six; in groups; one that is looked at, too.
    const twice = tf.add(addBias(same(block, f1), b1), addBias(same(block, f3), b1));
    const bare = same(block, f3);
    const six = tf.relu6(addBias(same(block, f1), b1));
    const groups = tf.relu(addBias(same(block, f4), b1));
    const seen = addBias(same(block, f2), b1);
    // A residual that is spread over the image is no residual.
    const spread = tf.add(
      addBias(same(block, f1), b1),
      tf.slice(block, [0, 0, 0, 0], [1, 1, 1, 16]),
    );
    // Each channel by itself: with and without bias and ReLU, every other pixel, and a sum, which is not taken along.
    const apart = (stride: number) => depthwiseConv2d(block, depthwise, stride, 2);
    const each = [tf.relu(addBias(apart(1), b1)), tf.relu6(addBias(apart(2), b1)), apart(2)];
    const sum = tf.add(addBias(apart(1), b1), block);
    return [block, twice, tf.square(bare), six, groups, seen, tf.relu(seen), spread, ...each, sum];
  };
  return { variables, f2, b1, predict };
}

describe("fused convolutions", () => {
  before(async function () {
    await startEngine();
    notOnGpu.call(this);
  });

  for (const [precision, most] of [
    ["float32", 1e-5],
    ["mixed_bfloat16", 0.03],
  ] as const) {
    it(`give what the plain graph gives, of weights that change, and leave no tensor: ${precision}`, () => {
      const { numTensors } = tf.memory();
      tf.tidy(() => {
        const { variables, f2, b1, predict } = makeNet();
        const compiled = compile({ predict }, { variables, precision, constantVariables: true });
        const check = (when: string, images: number) => {
          const x = fixed([images, 9, 10, CHANNELS], [-1, 1], 6);
          assertNearPlain(compiled.call.predict, predict, x, most, when);
        };
        check("many images", 20);
        check("one image", 1);
        f2.assign(tf.mul(f2, -2));
        check("another filter", 20);
        b1.assign(tf.add(b1, 1));
        check("another bias", 1);
        compiled.dispose();
        tf.dispose(variables);
      });
      assert.equal(tf.memory().numTensors, numTensors);
    });
  }

  it("take bias, residual and ReLU along, where kernels may keep the filter", () => {
    tf.tidy(() => {
      const { variables, predict } = makeNet();
      const handles = handlesOf(variables);
      const x = fixed([2, 9, 10, CHANNELS]);
      const traced = traceFunction("predict", predict, [x], handles);
      const target = { precision: "float32", portable: false, constantVariables: true } as const;
      const fused = (given: Partial<Parameters<typeof fuseConvolutions.run>[1]> = {}) =>
        fuseConvolutions
          .run(traced, { ...target, ...given })
          .nodes.flatMap(({ op, attributes }) => {
            const ops = attributes.find(({ name }) => name === "fused_ops")?.value;
            return ops === undefined ? [] : [`${op.includes("Depthwise") ? "each " : ""}${ops}`];
          });
      assert.deepEqual(fused().sort(), [
        "BiasAdd",
        "BiasAdd",
        "BiasAdd",
        "BiasAdd",
        "BiasAdd,Add",
        "BiasAdd,Add,Relu",
        "BiasAdd,Relu",
        "BiasAdd,Relu",
        "BiasAdd,Relu6",
        "each BiasAdd",
        "each BiasAdd",
        "each BiasAdd,Relu",
        "each BiasAdd,Relu6",
      ]);
      assert.deepEqual(fused({ portable: true }), []);
      assert.deepEqual(fused({ constantVariables: false }), []);
      tf.dispose(variables);
    });
  });

  describe("by 1 × 1 filters, of few pixels in bfloat16", () => {
    before(function () {
      if (!hasLinearKernel()) this.skip();
    });
    const precision = "mixed_bfloat16";

    /** A bottleneck's: bias and ReLU, one more stride, and a residual sum. */
    function makeBottleneck() {
      const of = (shape: number[], salt: number) =>
        tf.variable(tf.mul(fixed(shape, [-1, 1], salt), 0.2));
      const filters = [1, 2, 3].map((salt) => of([1, 1, 32, 32], salt) as tf.Variable<tf.Rank.R4>);
      const bias = of([32], 4) as tf.Variable<tf.Rank.R1>;
      const predict = (given: tf.Tensor) => {
        const x = given as tf.Tensor4D;
        const by = (y: tf.Tensor4D, i: number, stride = 1) => conv2d(y, filters[i], stride, 0);
        const inner = tf.relu(addBias(by(x, 0), bias)) as tf.Tensor4D;
        const block = tf.relu(tf.add(addBias(by(inner, 1), bias), x)) as tf.Tensor4D;
        return [block, by(block, 2), tf.relu6(addBias(by(block, 2), bias)), by(block, 0, 2)];
      };
      return { variables: [...filters, bias], predict };
    }

    it("are linear layers of our own, and give what the plain graph gives", () => {
      tf.tidy(() => {
        const { variables, predict } = makeBottleneck();
        const compiled = compile({ predict }, { variables, precision, constantVariables: true });
        for (const images of [1, 3, 30]) {
          const x = fixed([images, 8, 9, 32], [-1, 1], 6);
          assertNearPlain(compiled.call.predict, predict, x, 0.03, `${images} images`);
        }
        compiled.dispose();
        tf.dispose(variables);
      });
    });

    it("are so only where they are few and every pixel is asked for", () => {
      tf.tidy(() => {
        const { variables, predict } = makeBottleneck();
        const linear = (images: number) => {
          const x = fixed([images, 8, 9, 32]);
          const options = { precision, portable: false, constantVariables: true } as const;
          const traced = traceFunction("predict", predict, [x], handlesOf(variables), options);
          const { nodes } = applyPasses(traced, options);
          return nodes.filter(({ op }) => op === LINEAR).length;
        };
        assert.equal(linear(1), 3);
        // Of 1,656 pixels.
        assert.equal(linear(23), 0);
        tf.dispose(variables);
      });
    });
  });

  it("by filters as large as the image are linear layers of our own in bfloat16, too", function () {
    if (!hasLinearKernel()) this.skip();
    tf.tidy(() => {
      const of = (shape: number[], salt: number) =>
        tf.variable(tf.mul(fixed(shape, [-1, 1], salt), 0.1));
      const filter = of([3, 4, 32, 40], 1) as tf.Variable<tf.Rank.R4>;
      const variables = [filter, of([40], 2)];
      const predict = (x: tf.Tensor) =>
        tf.relu(
          addBias(conv2d(x as tf.Tensor4D, filter, 1, 0), variables[1] as unknown as tf.Tensor1D),
        );
      const options = {
        precision: "mixed_bfloat16",
        portable: false,
        constantVariables: true,
      } as const;
      const linear = (x: tf.Tensor) => {
        const traced = traceFunction("predict", predict, [x], handlesOf(variables), options);
        return applyPasses(traced, options).nodes.filter(({ op }) => op === LINEAR).length;
      };
      const compiled = compile({ predict }, { variables, ...options });
      for (const images of [1, 3, 40]) {
        const x = fixed([images, 3, 4, 32], [-1, 1], 6);
        assertNearPlain(compiled.call.predict, predict, x, 0.03, `${images} images`);
        assert.equal(linear(x), 1);
      }
      assert.equal(linear(fixed([1, 4, 4, 32])), 0, "of a larger image");
      compiled.dispose();
      tf.dispose(variables);
    });
  });

  it("are taken only where oneDNN has such a kernel", () => {
    assert.ok(worksFusedConvolution(DT.float32));
    assert.ok(!worksFusedConvolution(DT.int32), "of integers there is none");
  });
});
