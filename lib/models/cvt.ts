import * as tf from "@tensorflow/tfjs-core";
import { splitHeads } from "../engine/ops/attention";
import { type Architecture, type BuildOptions, imageNet, variantsOf } from "./architecture";
import { truncatedNormal } from "./initializers";
import { batchNorm, conv2d, dropPath, dropPathRates, layerNorm, linear, sequence } from "./layers";
import { type AttentionHook, type Context, hook, type Network } from "./module";
import { type Parameters, withLast } from "./parameters";
import {
  dotProductAttention,
  firstToken,
  geluLayer,
  type Tokens,
  tokensAsked,
} from "./transformer";

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
  const parameterGroups: string[][] = [];
  const attention: AttentionHook[] = [];
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
    const start = [embedAt.path(), at.path("cls_token")];
    if (stage === 0) parameterGroups.push(start);
    const rates = dropPathRates(stage === last ? (options.dropPath ?? 0) : 0, depth);
    const blocks = rates.map((rate, i) => {
      const blockAt = at.at("layers").at(i);
      // What leads into a stage counts with its first block, as timm does it for Swin.
      parameterGroups.push([blockAt.path(), ...(stage > 0 && i === 0 ? start : [])]);
      // The embeddings halve twice, then once a stage; keys and values once more.
      const stride = 8 * 2 ** stage;
      const prefix = stage === last ? 1 : 0;
      attention.push({ name: blockAt.path("attention.attention"), stride, prefix });
      const isLast = stage === last && i === depth - 1;
      return block(blockAt, width, shape.heads[stage], rate, isLast);
    });
    return { embed, blocks, classToken };
  });
  const width = shape.widths[last];
  const norm = layerNorm<tf.Tensor2D>(p.at("layernorm"), width, EPSILON);
  return {
    forwardFeatures(images, context) {
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
      return tokens as Tokens;
    },
    pool: (tokens: Tokens, context) => norm(firstToken(tokens), context),
    numFeatures: width,
    classifier: { scope: "classifier", init, dropout: options.dropout ?? 0 },
    parameterGroups: withLast(parameterGroups, "layernorm"),
    attention,
  };
}

type MapLayer = (x: Tokens, size: readonly [number, number], context: Context) => Tokens;

/** x + attention(norm(x)), then x + mlp(norm(x)). */
function block(
  p: Parameters,
  width: number,
  heads: number,
  dropRate: number,
  isLast: boolean,
): MapLayer {
  const attention = convolutionalAttention(p.at("attention"), width, heads, isLast);
  const [drop1, drop2] = [dropPath<Tokens>(p, dropRate), dropPath<Tokens>(p, dropRate)];
  const norm1 = layerNorm<Tokens>(p.at("layernorm_before"), width, EPSILON);
  const norm2 = layerNorm<Tokens>(p.at("layernorm_after"), width, EPSILON);
  const mlp = sequence(
    norm2,
    linear<Tokens>(p.at("intermediate.dense"), width, 4 * width, { init }),
    geluLayer,
    linear<Tokens>(p.at("output.dense"), 4 * width, width, { init }),
    drop2,
  );
  const name = p.path();
  return (x, size, context) => {
    const branch = drop1(attention(norm1(x, context), size, context), context);
    const y: Tokens = tf.add(tokensAsked(isLast, context)(x), branch);
    return hook(context, name, tf.add(y, mlp(y, context)));
  };
}

/** Queries, keys and values see their neighbors through a depthwise convolution (section 3.2). */
function convolutionalAttention(
  p: Parameters,
  width: number,
  heads: number,
  isLast: boolean,
): MapLayer {
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
      const some = i === 0 ? tokensAsked(isLast, context)(all) : all;
      return splitHeads(projections[i](some, context), 1, heads)[0];
    });
    // The published models scale by the whole width, not by a head's.
    return dense(dotProductAttention(q, k, v, width ** -0.5, context, name), context);
  };
}

const define = variantsOf(build, { preprocessing: imageNet, sizes: { multipleOf: 16 } });

const full = { widths: [64, 192, 384], heads: [1, 3, 6] };

/** Convolutional vision transformers (Wu et al. 2021, arXiv:2103.15808). */
export const cvt: Architecture = {
  cvt_13: define({ ...full, depths: [1, 2, 10] }, { hub: "microsoft/cvt-13" }),
  cvt_21: define({ ...full, depths: [1, 4, 16] }, { hub: "microsoft/cvt-21" }),
  test_cvt: define({ widths: [8, 12, 16], heads: [1, 2, 2], depths: [1, 2, 3] }, { size: 64 }),
};
