import type * as tf from "@tensorflow/tfjs-core";
import type { Preprocessing } from "./description";
import type { Initializer } from "./initializers";
import type { Dropped, Parameter } from "./parameters";
import type { Window } from "./windows";

/** What a call of a model carries besides the images. */
export interface Context {
  /** Whether batch norms use the batch's statistics, and dropout acts. */
  readonly training: boolean;
  /**
   * Whether dropout and stochastic depth act: outside training that is Monte Carlo dropout (Gal &
   * Ghahramani 2016, arXiv:1506.02142). Default: as `training` says.
   */
  readonly dropping?: boolean;
  /** int32 [2]: seeds dropout and stochastic depth of this call. Without it nothing is dropped. */
  readonly seed?: tf.Tensor;
  /**
   * Called with named intermediate tensors: attention weights and feature maps, under the names that
   * {@link Model.attention} and {@link Model.featureMaps} list, and others such as `blocks.0`. Keep a
   * tensor with `tf.keep` to use it later; return one of the same shape to put it in the place of the
   * value.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a callback that only looks returns nothing
  readonly hook?: (name: string, value: tf.Tensor) => tf.Tensor | void;
  /**
   * Whether nothing but what {@link Network.pool} reads is wanted of {@link Network.forwardFeatures}: the last block of
   * a transformer then computes its class token alone. Default false.
   */
  readonly pooledOnly?: boolean;
  /** Told of the multiply-adds of every product and convolution. */
  readonly tally?: (multiplyAdds: number) => void;
}

/** One step of a model: building it registered its parameters, calling it computes. */
export type Layer<In extends tf.Tensor = tf.Tensor4D, Out extends tf.Tensor = In> = (
  x: In,
  context: Context,
) => Out;

/** Let the context see (or replace) a value. */
export function hook<T extends tf.Tensor>(context: Context, name: string, value: T): T {
  return (context.hook?.(name, value) as T | undefined) ?? value;
}

/** How the attention of one layer is read: where it is shown, and where its keys lie in the image. */
export interface AttentionHook {
  /**
   * Name under which the weights come to {@link Context.hook}: float32
   * `[images, heads, queries, keys]`, or `[images × windows, heads, queries, keys]`.
   */
  readonly name: string;
  /** Tokens before those of the image: the class token first, then registers; 0 without them. */
  readonly prefix: number;
  /** Pixels of the image from one key to the next. */
  readonly stride: number;
  /** Where attention stays inside windows (Swin): their size and shift, in keys. */
  readonly window?: Window;
  /**
   * Where keys are mixtures of tokens (Linformer): float32 `[tokens, mixtures]`, the coefficients that
   * make the mixtures of the values.
   */
  readonly mixing?: tf.Tensor2D;
}

/** The last layer of a network. */
export interface Classifier {
  /** Scope of its `weight` and `bias`, such as `head.fc`. */
  readonly scope: string;
  /** Of the weight. Default: uniform by fan-in, as PyTorch does it. */
  readonly init?: Initializer;
  /** Share of features dropped before it. */
  readonly dropout: number;
  /** Scopes below it that learn at its rate, as timm counts layers, such as a last norm. Default none. */
  readonly groupedWith?: readonly string[];
}

/** What an architecture's builder hands back: a network without its classifier, and what it says of itself. */
export interface Network {
  /**
   * Images float32 `[batch, height, width, 3]` → what the last block gives: a feature map
   * `[batch, height, width, channels]`, or tokens `[batch, tokens, channels]`.
   */
  forwardFeatures(images: tf.Tensor4D, context: Context): tf.Tensor;
  /** What {@link Network.forwardFeatures} gave → pooled features `[batch, numFeatures]`. */
  pool(features: tf.Tensor, context: Context): tf.Tensor2D;
  /** Number of pooled features. */
  readonly numFeatures: number;
  /** How the classifier on top is named and made. */
  readonly classifier: Classifier;
  /**
   * Scopes of the parameters below the classifier from the first layer to the last, one list a layer.
   * For freezing and for layer-wise learning rates.
   */
  readonly parameterGroups: readonly (readonly string[])[];
  /** Where attention is read, first layer to last. Default: there is none. */
  readonly attention?: readonly AttentionHook[];
  /**
   * Names of the feature maps `[batch, height, width, channels]` that {@link Context.hook} sees, first
   * to last; the last is what Grad-CAM looks at. Default: there is none.
   */
  readonly featureMaps?: readonly string[];
  /** Whether pooled features are the same for the eight orientations of an image, but for rounding. Default false. */
  readonly isInvariant?: boolean;
  /**
   * Last parts of the names of buffers that PyTorch saves although they follow from the network's
   * shape; a file may hold them, and they are not read. Default none.
   */
  readonly derivedBuffers?: readonly string[];
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
export interface Model
  extends Required<
    Pick<
      Network,
      | "numFeatures"
      | "parameterGroups"
      | "attention"
      | "featureMaps"
      | "isInvariant"
      | "derivedBuffers"
    >
  > {
  /** Registered name of its architecture, such as `resnet50`. */
  readonly name: string;
  /** Number of logits; 0 where there is no classifier. */
  readonly numClasses: number;
  /** Height and width that the network was built for, pixels. */
  readonly inputSize: readonly [height: number, width: number];
  /** As it was asked for: share of features dropped in training; none: the architecture's default. */
  readonly dropout?: number;
  /** As it was asked for: share of residual branches dropped in training; none: 0. */
  readonly dropPath?: number;
  /** What its layers drop in training: values, residual branches. */
  readonly drops: ReadonlySet<Dropped>;
  /** How images must come to it. */
  readonly preprocessing: Preprocessing;
  /** By name, in order; the classifier's last. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** As {@link Network.parameterGroups}; last the classifier's group, see {@link Classifier.groupedWith}. */
  readonly parameterGroups: readonly (readonly string[])[];
  /** Scope of the classifier, such as `head.fc`. */
  readonly classifier: string;
  /** As {@link Network.resample}. */
  readonly resample?: Network["resample"];
  /**
   * Images float32 `[batch, height, width, 3]`, normalized → logits `[batch, numClasses]`; without a
   * classifier pooled features `[batch, numFeatures]`.
   */
  forward(images: tf.Tensor4D, context: Context): tf.Tensor2D;
  /**
   * Images as for {@link Model.forward} → what the last block gives: a feature map
   * `[batch, height, width, channels]`, or tokens `[batch, tokens, channels]`, for
   * {@link Model.forwardHead}. A norm that follows the pooling is not in it yet. With
   * {@link Context.pooledOnly} there may be fewer tokens.
   */
  forwardFeatures(images: tf.Tensor4D, context: Context): tf.Tensor;
  /**
   * What {@link Model.forwardFeatures} gave → logits.
   *
   * @param options `preLogits`: pooled features `[batch, numFeatures]` instead, what the classifier
   *   sees. Default false.
   */
  forwardHead(
    features: tf.Tensor,
    context: Context,
    options?: { readonly preLogits?: boolean },
  ): tf.Tensor2D;
  /**
   * Put a fresh classifier in the place of the one there is, before anything is compiled.
   *
   * @param numClasses Of logits; 0: none, so that {@link Model.forward} gives pooled features.
   * @throws UserError when it is no whole number
   */
  resetClassifier(numClasses: number): void;
  /** Free the parameters' memory. */
  dispose(): void;
}
