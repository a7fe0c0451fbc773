import * as tf from "@tensorflow/tfjs-core";
import { Random } from "../core/random";
import type { Fans, Initializer } from "./initializers";

/**
 * How PyTorch lays out a parameter: `plain` as here, `conv` [out, in, h, w] for our [h, w, in, out],
 * `depthwise` [channels, 1, h, w] for our [h, w, channels, 1].
 */
export type Layout = "plain" | "conv" | "depthwise";

/** A named array of a model. */
export interface Parameter {
  /** float32, in TensorFlow's layout. */
  readonly variable: tf.Variable;
  /** PyTorch's layout of the same values. */
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
  /** Default `plain`. */
  layout?: Layout;
  /** Default false. */
  buffer?: boolean;
  /** Default: true for weights of two dimensions and more. */
  decay?: boolean;
}

/** What a layer drops in training, by the name of the option that asks for it: single values, or residual branches. */
export type Dropped = "dropout" | "dropPath";

/** The ordered, flat store that a model's layers register their parameters in, by dotted scope. */
export class Parameters {
  private constructor(
    private readonly store: Map<string, Parameter>,
    private readonly draw: { readonly seed: number; streams: number; readonly drops: Set<Dropped> },
    private readonly scope: string,
  ) {}

  /**
   * Where the parameters of a new network begin.
   *
   * @param seed Of the first values; each parameter draws from a stream of its own name.
   */
  static root(seed: number): Parameters {
    return new Parameters(new Map(), { seed, streams: 0, drops: new Set() }, "");
  }

  /** The child scope: names are joined by dots. */
  at(name: string | number): Parameters {
    return new Parameters(this.store, this.draw, this.path(String(name)));
  }

  /** The full dotted name of `name` in this scope; of the scope itself without one. */
  path(name = ""): string {
    return [this.scope, name].filter(Boolean).join(".");
  }

  /** Every parameter of the model, whatever this scope, in the order of registration. */
  get all(): ReadonlyMap<string, Parameter> {
    return this.store;
  }

  /** Tell that a layer of this model drops values or branches. */
  noteDropout(what: Dropped): void {
    this.draw.drops.add(what);
  }

  /** What the layers of this model drop. */
  get drops(): ReadonlySet<Dropped> {
    return this.draw.drops;
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

  /** Forget the parameters of this scope and free their memory. */
  clear(): void {
    for (const [name, { variable }] of this.store) {
      if (!isInScope(name, this.scope)) continue;
      variable.dispose();
      this.store.delete(name);
    }
  }
}

/** Whether a parameter's name is this scope's or lies in it; every name lies in the scope "". */
export function isInScope(name: string, scope: string): boolean {
  return scope === "" || name === scope || name.startsWith(`${scope}.`);
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

/**
 * Parameter groups with scopes added to the last one: what stands between the last block and the
 * classifier, such as the final norm, is no layer of its own, as timm counts.
 */
export function withLast(
  groups: readonly (readonly string[])[],
  ...scopes: readonly string[]
): readonly (readonly string[])[] {
  return [...groups.slice(0, -1), [...groups[groups.length - 1], ...scopes]];
}
