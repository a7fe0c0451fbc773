import * as tf from "@tensorflow/tfjs-core";
import { d4Symmetries } from "../core/d4";
import * as convolution from "../engine/ops/convolution";
import { differentiable } from "../engine/ops/differentiable";
import { type Initializer, kaimingNormal } from "./initializers";
import { batchNorm } from "./layers";
import type { Layer } from "./module";
import type { Parameters } from "./parameters";

/** Symmetries of the square, so many copies of each channel. */
export const ORIENTATIONS = d4Symmetries.length;

type Matrix = readonly [number, number, number, number];

/** What each symmetry does to a position (y, x) counted from the center. */
const matrices: readonly Matrix[] = d4Symmetries.map(({ mirrored, turns }) => {
  let m: Matrix = mirrored ? [1, 0, 0, -1] : [1, 0, 0, 1];
  // A quarter turn counter-clockwise takes (y, x) to (−x, y), with y downwards.
  for (let i = 0; i < turns; i++) m = product([0, -1, 1, 0], m);
  return m;
});

function product([a, b, c, d]: Matrix, [e, f, g, h]: Matrix): Matrix {
  return [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h];
}

const transposed = ([a, b, c, d]: Matrix): Matrix => [a, c, b, d];

const indexOf = (m: Matrix) => matrices.findIndex((known) => known.every((v, i) => v === m[i]));

/**
 * Where each number of the eight filters comes from: `[kernel × kernel × from, 8]`, the row of the
 * stored filter that stands in this row of filter g: ψ(g⁻¹ u, g⁻¹ h) (Cohen & Welling 2016, eq. 11).
 *
 * @param from Orientations of the layer's input: 1 for images, 8 otherwise.
 */
function orientedRows(kernel: number, from: 1 | typeof ORIENTATIONS): Int32Array {
  const rows = new Int32Array(kernel * kernel * from * ORIENTATIONS);
  const last = kernel - 1;
  let at = 0;
  for (let y = 0; y < kernel; y++)
    for (let x = 0; x < kernel; x++)
      for (let h = 0; h < from; h++)
        for (const g of matrices) {
          const back = transposed(g);
          // Twice the position from the center, so that it is whole for even kernels too.
          const [dy, dx] = [2 * y - last, 2 * x - last];
          const sourceY = (back[0] * dy + back[1] * dx + last) / 2;
          const sourceX = (back[2] * dy + back[3] * dx + last) / 2;
          const sourceH = from === 1 ? 0 : indexOf(product(back, matrices[h]));
          rows[at++] = (sourceY * kernel + sourceX) * from + sourceH;
        }
  return rows;
}

/** The other way round: `[kernel × kernel × from, 8]`, where each stored row went in filter g. */
function inverseRows(rows: Int32Array): Int32Array {
  const inverse = new Int32Array(rows.length);
  rows.forEach((source, place) => {
    inverse[source * ORIENTATIONS + (place % ORIENTATIONS)] = place;
  });
  return inverse;
}

/**
 * A stored filter `[kernel, kernel, from × in, out]` in its eight orientations, as one filter
 * `[kernel, kernel, from × in, 8 × out]` of a plain convolution.
 */
function orient(
  filter: tf.Tensor4D,
  from: 1 | typeof ORIENTATIONS,
  rows: Int32Array,
  inverse: Int32Array,
): tf.Tensor4D {
  const [kernel, , channelsIn, out] = filter.shape;
  const each = channelsIn / from;
  const stored = rows.length / ORIENTATIONS;
  return differentiable<tf.Tensor4D>(
    [filter],
    () =>
      tf.tidy(() => {
        const flat = tf.reshape(filter, [stored, each * out]);
        const all = tf.gather(flat, tf.tensor1d(rows, "int32"));
        const split = tf.reshape(all, [stored, ORIENTATIONS, each, out]);
        const ordered = tf.transpose(split, [0, 2, 1, 3]);
        return tf.reshape(ordered, [kernel, kernel, channelsIn, ORIENTATIONS * out]);
      }),
    (dy) => [
      () =>
        tf.tidy(() => {
          const split = tf.reshape(dy, [stored, each, ORIENTATIONS, out]);
          const flat = tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [rows.length, each * out]);
          const back = tf.gather(flat, tf.tensor1d(inverse, "int32"));
          const summed = tf.sum(tf.reshape(back, [stored, ORIENTATIONS, each * out]), 1);
          return tf.reshape(summed, filter.shape);
        }),
    ],
  );
}

/** Options of {@link groupConv2d}. */
export interface GroupConvOptions {
  /**
   * Pixels from one output to the next, 1 or 2. With 2 the kernel must be even, and the image too:
   * an odd kernel would look at other pixels of a mirrored image. Default 1.
   */
  readonly stride?: 1 | 2;
  /** Whether the input is an image rather than a group layer's output. Default false. */
  readonly lifting?: boolean;
  /** Of the stored filters. Default: He et al. 2015 by fan-in. */
  readonly init?: Initializer;
}

/**
 * Convolution that turns and mirrors with the image (Cohen & Welling 2016, arXiv:1602.07576): every
 * filter in its eight orientations, `[batch, height, width, 8 × in]` → `[batch, h', w', 8 × out]`,
 * the channels of one orientation side by side. It is a plain convolution of that width with an
 * eighth of the weights.
 *
 * @param channelsIn Channels an orientation; 3 for images.
 */
export function groupConv2d(
  p: Parameters,
  channelsIn: number,
  channelsOut: number,
  kernel: number,
  { stride = 1, lifting = false, init = kaimingNormal("fanIn") }: GroupConvOptions = {},
): Layer {
  const from = lifting ? 1 : ORIENTATIONS;
  const shape = [kernel, kernel, from * channelsIn, channelsOut];
  const weight = p.add("weight", shape, init, { layout: "conv" });
  const rows = orientedRows(kernel, from);
  const inverse = inverseRows(rows);
  return (x, context) => {
    const filter = orient(weight.variable as tf.Tensor4D, from, rows, inverse);
    const y = convolution.conv2d(x, filter, stride, (kernel - 1) >> 1);
    context.tally?.(y.size * kernel * kernel * from * channelsIn);
    return y;
  };
}

/** Batch normalization that all orientations of a channel share, `[batch, height, width, 8 × channels]`. */
export function groupBatchNorm(
  p: Parameters,
  channels: number,
  options: { scale?: Initializer } = {},
): Layer {
  const norm = batchNorm(p, channels, options);
  return (x, context) => {
    const [batch, height, width] = x.shape;
    const shared = tf.reshape(x, [batch, height, width * ORIENTATIONS, channels]) as tf.Tensor4D;
    return tf.reshape(norm(shared, context), x.shape);
  };
}
