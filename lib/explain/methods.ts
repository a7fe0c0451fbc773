import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "../core/errors";
import type { Model } from "../models/module";
import { modelImages, type Pictures } from "../predict/image-batch";
import { attentionMaps, captureAttention, hasAttention, hasWholeAttention } from "./attention-maps";
import { gradCam } from "./grad-cam";
import { guidedBackprop } from "./guided-backprop";
import { integratedGradients } from "./integrated-gradients";
import { occlusion } from "./occlusion";
import { relevance } from "./relevance";
import { rollout } from "./rollout";
import type { SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

type Method = (model: Model, images: tf.Tensor4D, target: Target) => SaliencyMaps;

/** What can be asked of a model; a new method is a file and a line here. */
const methods: Readonly<Record<string, Method>> = {
  /** The last layer's, the mean of its heads. */
  attention: (model, images) =>
    fromAttention(model, images, ({ layers }) => attentionMaps(layers[layers.length - 1])),
  rollout: (model, images) => fromAttention(model, images, rollout),
  relevance,
  "grad-cam": (model, images, target) => gradCam(model, images, { target }),
  "grad-cam++": (model, images, target) => gradCam(model, images, { target, form: "grad-cam++" }),
  "guided-backprop": guidedBackprop,
  /** Where covering speaks against the class, as 0. */
  occlusion: (model, images, target) => each(occlusion(model, images, { target }), positive),
  /** The size, whether a pixel speaks for the class or against it. */
  "integrated-gradients": (model, images, target) =>
    each(integratedGradients(model, images, { target }), Math.abs),
};

const positive = (value: number) => Math.max(0, value);

function each({ values, size }: SaliencyMaps, change: (value: number) => number): SaliencyMaps {
  return { values: values.map(change), size };
}

function fromAttention(
  model: Model,
  images: tf.Tensor4D,
  read: (attention: ReturnType<typeof captureAttention>) => SaliencyMaps,
): SaliencyMaps {
  const attention = captureAttention(model, images);
  try {
    return read(attention);
  } finally {
    attention.dispose();
  }
}

/** The names that {@link explain} takes. */
export const explanationMethods: readonly string[] = Object.keys(methods);

/** The methods that suit a model, the most telling first. */
export function methodsFor(model: Model): string[] {
  if (hasWholeAttention(model)) return ["rollout", "relevance", "attention"];
  const ofFeatures = model.featureMaps.length > 0 ? ["grad-cam"] : [];
  const ofAttention = hasAttention(model) ? ["attention"] : [];
  return [...ofFeatures, ...ofAttention, "integrated-gradients"];
}

/**
 * What a model looks at in some pictures.
 *
 * @param method One of {@link explanationMethods}.
 * @param target The class explained, one for all pictures or one each; default the likeliest.
 *   Attention and rollout know no class.
 * @returns one map a picture, ≥ 0, on the grid of the method
 * @throws UserError for an unknown method, and where it is not defined for the model
 */
export async function explain(
  model: Model,
  pictures: Pictures,
  method: string,
  target?: Target,
): Promise<SaliencyMaps> {
  if (!Object.hasOwn(methods, method)) {
    throw new UserError(
      `there is no method "${method}"`,
      `take one of ${explanationMethods.join(", ")}`,
    );
  }
  const images = modelImages(model, pictures);
  try {
    return methods[method](model, images, target);
  } finally {
    tf.dispose(images);
  }
}
