import * as tf from "@tensorflow/tfjs-core";
import { moveAverages } from "../engine/optimizers";

/** What is averaged. */
interface Averaged {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** The moving average of weights and running statistics, which can take their place. */
export class MovingAverage {
  /** One for each thing that is averaged; they begin as that is. */
  readonly variables: readonly tf.Variable[];
  private isIn = false;

  /** @param decay Of the average at each update, 0 … 1. */
  constructor(
    private readonly averaged: readonly Averaged[],
    private readonly decay: number,
  ) {
    this.variables = averaged.map(({ variable }) => tf.tidy(() => tf.variable(variable, false)));
  }

  /** Follow an update of the weights. To be traced. */
  move(): void {
    const moved = this.averaged.map(({ variable }) => variable);
    moveAverages(this.variables, moved, this.decay);
  }

  /** The weights and their average change places. To be traced, which is why it returns a tensor. */
  swap(): tf.Tensor {
    return tf.tidy(() => {
      for (const [i, average] of this.variables.entries()) {
        const { variable } = this.averaged[i];
        const now = tf.clone(variable);
        variable.assign(tf.clone(average));
        average.assign(now);
      }
      return tf.scalar(0);
    });
  }

  /**
   * Do something while the weights are their average.
   *
   * @param swap {@link MovingAverage.swap}, compiled.
   */
  async swapped<T>(swap: () => void, work: () => Promise<T>): Promise<T> {
    if (this.variables.length === 0 || this.isIn) return work();
    swap();
    this.isIn = true;
    try {
      return await work();
    } finally {
      swap();
      this.isIn = false;
    }
  }

  /** By the names under which a checkpoint keeps them. */
  named(): [string, tf.Variable][] {
    return this.variables.map((v, i) => [`average.${this.averaged[i].name}`, v]);
  }
}
