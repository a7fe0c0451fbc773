import { z } from "zod";
import { choice, count, positive, shareBelowOne, withDefaultName } from "./settings";

const common = {
  /** Peak learning rate, above 0; the schedule scales it. Default 0.001. */
  learningRate: positive.default(1e-3),
  /** Decoupled for adamw (Loshchilov & Hutter 2019), in the gradient for adam and sgd, as in PyTorch. Default 0. */
  weightDecay: z.number().min(0).default(0),
  /** Largest norm of all gradients together; larger ones are scaled down. 0, the default, scales none. */
  clipNorm: z.number().min(0).default(0),
  /**
   * Batches whose gradients are averaged before the weights move once; the rest of an epoch's batches
   * moves them at its end. At most the batches of an epoch. Default 1.
   */
  gradientAccumulation: count.default(1),
  /** Learning rate of each layer as a factor of that of the layer above it, as in BEiT; 1, the default, is none. */
  layerDecay: positive.max(1).default(1),
};

const moments = {
  /** Decay of the mean of gradients, from 0 to below 1. Default 0.9. */
  beta1: shareBelowOne.default(0.9),
  /** Decay of the mean of squared gradients, from 0 to below 1. Default 0.999. */
  beta2: shareBelowOne.default(0.999),
  /** Added to the root of the mean square, above 0. Default 1e-8. */
  epsilon: positive.default(1e-8),
};

/** The keys of each optimizer. */
export const optimizerShapes = {
  adamw: { ...common, ...moments },
  adam: { ...common, ...moments },
  sgd: {
    ...common,
    /** Share of the last move that is made again, from 0 to below 1. Default 0.9. */
    momentum: shareBelowOne.default(0.9),
  },
};

/** What moves the weights; `name` is `adamw` by default. */
export const optimizerSchema = withDefaultName(
  "adamw",
  z.discriminatedUnion("name", [
    choice("adamw", optimizerShapes),
    choice("adam", optimizerShapes),
    choice("sgd", optimizerShapes),
  ]),
);
