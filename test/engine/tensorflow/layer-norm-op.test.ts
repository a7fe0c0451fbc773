import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { compile } from "#lib/engine/compile";
import { layerNorm } from "#lib/engine/ops";
import { LAYER_NORM_GRADIENT } from "#lib/engine/ops/layer-norm";
import type { Precision } from "#lib/engine/start";
import { hasLayerNormKernel } from "#lib/engine/tensorflow/layer-norm-op";
import { applyPasses } from "#lib/engine/tensorflow/passes/registry";
import { traceFunction } from "#lib/engine/tensorflow/trace-function";
import { fixed } from "../cases";
import { withOwnKernel } from "../support";

const EPSILON = 1e-5;

/** Shape of the input, and what is added to it and what it is multiplied by. */
const CASES: Record<string, [shape: number[], level?: number, factor?: number]> = {
  "a vision transformer's": [[2, 197, 384]],
  "an image of ConvNeXt's": [[3, 7, 9, 96]],
  "more rows than a block of every share": [[2500, 24]],
  "fewer rows than shares": [[5, 768]],
  "features that fill no register": [[40, 10]],
  "one feature": [[6, 1]],
  "one row": [[1, 130]],
  "far from zero": [[64, 64], 1000],
  "next to no variance": [[64, 64], 1, 1e-4],
};

const RESULTS = ["by the input", "by scale", "by offset"];

function given([shape, level = 0, factor = 1]: (typeof CASES)[string]): tf.Tensor[] {
  const features = shape[shape.length - 1];
  return [
    tf.add(tf.mul(fixed(shape, [-1, 1], 1), factor), level),
    fixed([features], [0.5, 2], 2),
    fixed([features], [-1, 1], 3),
    fixed(shape, [-1, 1], 4),
  ];
}

function gradients(...[x, scale, offset, dy]: tf.Tensor[]): tf.Tensor[] {
  return tf.grads((a, b, c) => layerNorm(a, b, c, EPSILON))([x, scale, offset], dy);
}

/** In mixed precision the input is one that a product has given. */
function afterProduct(...[x, ...others]: tf.Tensor[]): tf.Tensor[] {
  const features = x.shape[x.rank - 1];
  const rows = tf.matMul(tf.reshape(x, [-1, features]), tf.eye(features));
  const back = tf.matMul(tf.reshape(others[2], [-1, features]), tf.eye(features));
  const moved = [rows, back].map((y) => tf.reshape(y, x.shape));
  return gradients(moved[0], others[0], others[1], moved[1]);
}

function run(fn: typeof gradients, inputs: tf.Tensor[], precision: Precision, parts = 1) {
  const compiled = compile({ fn }, { variables: [], precision, parts });
  try {
    return tf.tidy(() => (compiled.call.fn(...inputs) as tf.Tensor[]).map((x) => x.dataSync()));
  } finally {
    compiled.dispose();
  }
}

interface Expected {
  readonly values: readonly number[][];
  /** The largest number that goes into each. */
  readonly largest: readonly number[];
}

/** In double precision, by the formulas themselves. */
function expectedOf(inputs: tf.Tensor[]): Expected {
  const [x, scale, , dy] = inputs.map((t) => Array.from(t.dataSync()));
  const features = scale.length;
  const [dx, dscale, doffset] = [x.map(() => 0), scale.map(() => 0), scale.map(() => 0)];
  let most = 0;
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / features;
  for (let at = 0; at < x.length; at += features) {
    const row = x.slice(at, at + features);
    const back = dy.slice(at, at + features);
    const center = mean(row);
    const deviation = Math.sqrt(mean(row.map((v) => (v - center) ** 2)) + EPSILON);
    const n = row.map((v) => (v - center) / deviation);
    const g = back.map((v, c) => v * scale[c]);
    const [flat, slope] = [mean(g), mean(g.map((v, c) => v * n[c]))];
    for (let c = 0; c < features; c++) {
      most = Math.max(most, Math.abs(g[c] / deviation));
      dx[at + c] = (g[c] - flat - n[c] * slope) / deviation;
      dscale[c] += back[c] * n[c];
      doffset[c] += back[c];
    }
  }
  const sums = [dscale, doffset].map((values) => Math.max(...values.map(Math.abs)));
  return { values: [dx, dscale, doffset], largest: [most, ...sums] };
}

function assertNear(got: ArrayLike<number>[], { values, largest }: Expected, most: number): void {
  for (const [i, list] of values.entries()) {
    assert.equal(got[i].length, list.length);
    for (const [k, value] of list.entries())
      assert.ok(
        Math.abs(got[i][k] - value) <= most * largest[i] + 1e-9,
        `${RESULTS[i]}, ${k}: ${got[i][k]} for ${value}, of ${largest[i]}`,
      );
  }
}

describe("a layer norm's gradients of our own", () => {
  withOwnKernel(hasLayerNormKernel);

  for (const [name, of] of Object.entries(CASES)) {
    it(`are those in double precision but for rounding: ${name}`, () => {
      tf.tidy(() => {
        const inputs = given(of);
        // Of numbers far from zero float32 has that many digits less.
        const [, level = 0, factor = 1] = of;
        const most = 4e-6 * Math.max(1, level / Math.max(factor, Math.sqrt(EPSILON)));
        assertNear(run(gradients, inputs, "float32"), expectedOf(inputs), most);
      });
    });
  }

  it("are as near in bfloat16 as its digits allow", () => {
    tf.tidy(() => {
      const [x, scale, offset, dy] = given(CASES["a vision transformer's"]);
      const short = (t: tf.Tensor) => tf.div(tf.round(tf.mul(t, 128)), 128);
      const inputs = [short(x), scale, offset, short(dy)];
      assertNear(run(afterProduct, inputs, "mixed_bfloat16"), expectedOf(inputs), 2 ** -8);
    });
  });

  it("are one op in both precisions, and others where a graph is for elsewhere", () => {
    tf.tidy(() => {
      const inputs = given(CASES["fewer rows than shares"]);
      const types = (precision: Precision, portable = false) => {
        const options = { precision, portable };
        const traced = traceFunction("fn", afterProduct as never, inputs, new Map(), options);
        const { nodes } = applyPasses(traced, options);
        return nodes
          .filter(({ op }) => op === LAYER_NORM_GRADIENT)
          .map(({ attributes }) => attributes.find((a) => a.name === "T")?.value);
      };
      assert.deepEqual(types("float32"), [1]);
      assert.deepEqual(types("mixed_bfloat16"), [14]);
      assert.deepEqual(types("mixed_bfloat16", true), []);
    });
  });

  it("are the same by however many cores", () => {
    tf.tidy(() => {
      const inputs = given([[700, 384]]);
      const alone = run(gradients, inputs, "float32", 64);
      assert.deepEqual(run(gradients, inputs, "float32", 1), alone);
    });
  });

  it("are no numbers where a row is none, and by what all rows share", () => {
    tf.tidy(() => {
      const [x, ...others] = given([[4, 32]]);
      const none = tf.fill([1, 32], Number.NaN);
      const [dx, dscale] = run(
        gradients,
        [tf.concat([none, tf.slice(x, 1)]), ...others],
        "float32",
      );
      dx.forEach((value, i) => {
        assert.equal(Number.isNaN(value), i < 32);
      });
      assert.ok(dscale.every(Number.isNaN));
    });
  });
});
