import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../core/random";
import type { Preprocessing } from "./description";
import type { Fans, Initializer } from "./initializers";

/** What a call of a model carries besides the images. */
export interface Context {
  readonly training: boolean;
  /** int32 [2]: seeds dropout and stochastic depth of this call. Without it nothing is dropped. */
  readonly seed?: tf.Tensor;
  /**
   * Called with named intermediate tensors, such as `blocks.0.attn` (attention, [batch, heads,
   * queries, keys]) or `layer4.1` (a feature map). Keep a tensor with `tf.keep` to use it later;
   * return one of the same shape to put it in the place of the value.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a callback that only looks returns nothing
  readonly capture?: (name: string, value: tf.Tensor) => tf.Tensor | void;
  /** Told of the multiply-adds of every product and convolution. */
  readonly tally?: (multiplyAdds: number) => void;
}

/** One step of a model: building it registered its parameters, calling it computes. */
export type Layer<In extends tf.Tensor = tf.Tensor4D, Out extends tf.Tensor = In> = (
  x: In,
  context: Context,
) => Out;

/**
 * How PyTorch lays out a parameter: `plain` as here, `conv` [out, in, h, w] for our [h, w, in, out],
 * `depthwise` [channels, 1, h, w] for our [h, w, channels, 1].
 */
export type Layout = "plain" | "conv" | "depthwise";

/** A named array of a model. */
export interface Parameter {
  readonly variable: tf.Variable;
  readonly layout: Layout;
  /** Running statistics, which no gradient reaches. */
  readonly buffer: boolean;
  /** Whether weight decay applies: not to biases, norms and position embeddings. */
  readonly decay: boolean;
  /** Whether training changes it; see `freeze`. Never true of a buffer. */
  trainable: boolean;
}

/** Options of {@link Parameters.add}. */
export interface ParameterOptions {
  layout?: Layout;
  buffer?: boolean;
  /** Default: true for weights of two dimensions and more. */
  decay?: boolean;
}

/** The ordered, flat store that a model's layers register their parameters in, by dotted scope. */
export class Parameters {
  private constructor(
    private readonly store: Map<string, Parameter>,
    private readonly draw: { readonly seed: number; streams: number },
    private readonly scope: string,
  ) {}

  /** @param seed Of the first values; each parameter draws from a stream of its own name. */
  static root(seed: number): Parameters {
    return new Parameters(new Map(), { seed, streams: 0 }, "");
  }

  /** The child scope: names are joined by dots. */
  at(name: string | number): Parameters {
    return new Parameters(this.store, this.draw, this.path(String(name)));
  }

  /** The full dotted name of `name` in this scope; of the scope itself without one. */
  path(name = ""): string {
    return [this.scope, name].filter(Boolean).join(".");
  }

  get all(): ReadonlyMap<string, Parameter> {
    return this.store;
  }

  /** A number that no other random layer of this model has. */
  nextStream(): number {
    return this.draw.streams++;
  }

  /** Register a parameter of this shape, in TensorFlow's layout. */
  add(
    name: string,
    shape: readonly number[],
    initializer: Initializer,
    options: ParameterOptions = {},
  ): Parameter {
    const path = this.path(name);
    if (this.store.has(path)) throw new Error(`parameter ${path} registered twice`);
    const layout = options.layout ?? "plain";
    const buffer = options.buffer ?? false;
    const values = initializer(fans(shape, layout), new Random(this.draw.seed, path));
    const variable = tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), !buffer));
    const decay = !buffer && (options.decay ?? shape.length > 1);
    const parameter: Parameter = {
      variable,
      layout,
      buffer,
      decay,
      // One truth: a compiled function is traced anew where other variables are trained.
      get trainable() {
        return variable.trainable;
      },
      set trainable(trainable) {
        variable.trainable = trainable;
      },
    };
    this.store.set(path, parameter);
    return parameter;
  }
}

function fans(shape: readonly number[], layout: Layout): Fans {
  const size = shape.reduce((a, b) => a * b, 1);
  if (layout === "plain") return { fanIn: shape.at(-1) ?? 1, fanOut: shape[0] ?? 1, size };
  const [height, width, a, b] = shape;
  const area = height * width;
  // A depthwise filter feeds one channel, but PyTorch's fan-out counts every output channel.
  return layout === "conv"
    ? { fanIn: area * a, fanOut: area * b, size }
    : { fanIn: area, fanOut: area * a, size };
}

/** Let the context see (or replace) a value. */
export function capture<T extends tf.Tensor>(context: Context, name: string, value: T): T {
  return (context.capture?.(name, value) as T | undefined) ?? value;
}

/** What an architecture's builder hands back: the two halves of a model and its order in depth. */
export interface Network {
  /** images [batch, height, width, 3] → pooled features [batch, features] */
  readonly features: Layer<tf.Tensor4D, tf.Tensor2D>;
  /** features → logits [batch, classes] */
  readonly classify: Layer<tf.Tensor2D, tf.Tensor2D>;
  /**
   * Name prefixes of the parameters from the first layer to the last, one list a layer; the last
   * is the classifier. For freezing and for layer-wise learning rates.
   */
  readonly layers: readonly (readonly string[])[];
  /**
   * Makes a parameter saved for another input size fit this one. Undefined where `name` saved with
   * the shape `from` (PyTorch's layout) cannot be made to fit.
   */
  readonly resample?: (
    name: string,
    from: readonly number[],
  ) => ((value: tf.Tensor) => tf.Tensor) | undefined;
}

/** A neural network with its parameters; images in, logits out. */
export interface Model {
  readonly name: string;
  /** Number of logits. */
  readonly numClasses: number;
  /** Height and width that the network was built for, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** As it was asked for: share of features dropped in training; none: the architecture's default. */
  readonly dropout?: number;
  /** As it was asked for: share of residual branches dropped in training; none: 0. */
  readonly dropPath?: number;
  /** How images must come to it. */
  readonly preprocessing: Preprocessing;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly layers: Network["layers"];
  readonly resample?: Network["resample"];
  /** images float32 [batch, height, width, 3], already normalized → logits [batch, classes] */
  forward(images: tf.Tensor4D, context: Context): tf.Tensor2D;
  /** images → pooled features [batch, features], what the classifier sees. */
  features(images: tf.Tensor4D, context: Context): tf.Tensor2D;
  dispose(): void;
}
