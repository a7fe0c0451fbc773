import * as tf from "@tensorflow/tfjs-core";
import { type Architecture, type BuildOptions, type Definition, imageNet } from "./architecture";
import { truncatedNormal } from "./initializers";
import {
  batchNorm,
  conv2d,
  dropout,
  dropPath,
  dropPathRates,
  layerNorm,
  linear,
  sequence,
} from "./layers";
import { type Context, capture, type Network, type Parameters } from "./module";
import { attend, geluLayer, splitHeads, type Tokens } from "./transformer";

interface Shape {
  readonly widths: readonly number[];
  readonly heads: readonly number[];
  readonly depths: readonly number[];
}

const EPSILON = 1e-5;
const init = truncatedNormal(0.02);
/** Kernel, stride and padding of the convolution that starts each stage. */
const EMBEDDING = [
  { kernel: 7, stride: 4, padding: 2 },
  { kernel: 3, stride: 2, padding: 1 },
  { kernel: 3, stride: 2, padding: 1 },
];

/**
 * Convolutional vision transformer (Wu et al. 2021, arXiv:2103.15808). timm has none: the parameter
 * names are those of `transformers`, so that its checkpoints load by name.
 */
function build(p: Parameters, options: BuildOptions, shape: Shape): Network {
  const layers: string[][] = [];
  const last = shape.depths.length - 1;
  const stages = shape.depths.map((depth, stage) => {
    const at = p.at("cvt.encoder.stages").at(stage);
    const width = shape.widths[stage];
    const embedAt = at.at("embedding.convolution_embeddings");
    const { kernel, stride, padding } = EMBEDDING[stage];
    const from = stage === 0 ? 3 : shape.widths[stage - 1];
    const classToken =
      stage === last ? at.add("cls_token", [1, 1, width], init, { decay: false }) : undefined;
    const embed = sequence(
      conv2d(embedAt.at("projection"), from, width, kernel, { stride, padding, init }),
      layerNorm<tf.Tensor4D>(embedAt.at("normalization"), width, EPSILON),
    );
    layers.push([embedAt.path(), at.path("cls_token")]);
    const rates = dropPathRates(stage === last ? (options.dropPath ?? 0) : 0, depth);
    const blocks = rates.map((rate, i) => {
      const blockAt = at.at("layers").at(i);
      layers.push([blockAt.path()]);
      return block(blockAt, width, shape.heads[stage], rate);
    });
    return { embed, blocks, classToken };
  });
  const width = shape.widths[last];
  const norm = layerNorm<tf.Tensor2D>(p.at("layernorm"), width, EPSILON);
  const drop = dropout<tf.Tensor2D>(p, options.dropout ?? 0);
  const classifier = linear<tf.Tensor2D>(p.at("classifier"), width, options.numClasses, { init });
  return {
    features(images, context) {
      let map = images;
      let tokens: Tokens | undefined;
      for (const { embed, blocks, classToken } of stages) {
        map = embed(map, context);
        const [batch, height, columns, channels] = map.shape;
        tokens = tf.reshape(map, [batch, height * columns, channels]);
        if (classToken !== undefined) {
          const first = tf.tile(classToken.variable as tf.Tensor3D, [batch, 1, 1]);
          tokens = tf.concat([first, tokens], 1);
        }
        for (const run of blocks) tokens = run(tokens, [height, columns], context);
        if (classToken === undefined) map = tf.reshape(tokens, [batch, height, columns, channels]);
      }
      const first = tf.slice(tokens as Tokens, [0, 0, 0], [-1, 1, -1]);
      return norm(tf.reshape(first, [-1, width]), context);
    },
    classify: sequence(drop, classifier),
    layers: [...layers, ["layernorm"], ["classifier"]],
  };
}

type MapLayer = (x: Tokens, size: readonly [number, number], context: Context) => Tokens;

/** x + attention(norm(x)), then x + mlp(norm(x)). */
function block(p: Parameters, width: number, heads: number, dropRate: number): MapLayer {
  const look = convolutionalAttention(p.at("attention"), width, heads);
  const [drop1, drop2] = [dropPath<Tokens>(p, dropRate), dropPath<Tokens>(p, dropRate)];
  const think = [
    linear<Tokens>(p.at("intermediate.dense"), width, 4 * width, { init }),
    geluLayer,
    linear<Tokens>(p.at("output.dense"), 4 * width, width, { init }),
  ];
  const norm1 = layerNorm<Tokens>(p.at("layernorm_before"), width, EPSILON);
  const norm2 = layerNorm<Tokens>(p.at("layernorm_after"), width, EPSILON);
  const mlp = sequence(norm2, ...think, drop2);
  const name = p.path();
  return (x, size, context) => {
    const y: Tokens = tf.add(x, drop1(look(norm1(x, context), size, context), context));
    return capture(context, name, tf.add(y, mlp(y, context)));
  };
}

/** Queries, keys and values see their neighbors through a depthwise convolution (section 3.2). */
function convolutionalAttention(p: Parameters, width: number, heads: number): MapLayer {
  const inner = p.at("attention");
  const parts = (["query", "key", "value"] as const).map((part) => {
    const convolutionAt = inner.at(`convolution_projection_${part}.convolution_projection`);
    const stride = part === "query" ? 1 : 2;
    return sequence(
      conv2d(convolutionAt.at("convolution"), width, width, 3, {
        groups: width,
        stride,
        bias: false,
        init,
      }),
      batchNorm(convolutionAt.at("normalization"), width),
    );
  });
  const projections = ["query", "key", "value"].map((part) =>
    linear<Tokens>(inner.at(`projection_${part}`), width, width, { init }),
  );
  const dense = linear<Tokens>(p.at("output.dense"), width, width, { init });
  const name = inner.path();
  return (x, [height, columns], context) => {
    const positions = height * columns;
    const prefix = x.shape[1] - positions;
    const [first, rest] = prefix === 0 ? [undefined, x] : tf.split(x, [prefix, positions], 1);
    const map: tf.Tensor4D = tf.reshape(rest, [-1, height, columns, width]);
    const [q, k, v] = parts.map((convolve, i) => {
      const y: Tokens = tf.reshape(convolve(map, context), [x.shape[0], -1, width]);
      const all = first === undefined ? y : tf.concat([first as Tokens, y], 1);
      return splitHeads(projections[i](all, context), 1, heads)[0];
    });
    // The published models scale by the whole width, not by a head's.
    return dense(attend(q, k, v, width ** -0.5, context, name), context);
  };
}

function define(shape: Shape, size = 224, hub?: string): Definition {
  return {
    inputSize: [size, size],
    preprocessing: imageNet,
    hub,
    sizes: { multipleOf: 16 },
    build: (p, options) => build(p, options, shape),
  };
}

const full = { widths: [64, 192, 384], heads: [1, 3, 6] };

export const cvt: Architecture = {
  cvt_13: define({ ...full, depths: [1, 2, 10] }, 224, "microsoft/cvt-13"),
  cvt_21: define({ ...full, depths: [1, 4, 16] }, 224, "microsoft/cvt-21"),
  test_cvt: define({ widths: [8, 12, 16], heads: [1, 2, 2], depths: [1, 2, 3] }, 64),
};
