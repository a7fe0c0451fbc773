import type { Model } from "../models/module";
import { modelImages, type Pictures, pictureOf } from "../predict/image-batch";
import { captureAttention, headMaps } from "./attention-maps";

/** What `attentionGrid` draws: a map for each layer and head. */
export interface HeadGrid {
  /** `[layers, heads, height, width]`. */
  readonly maps: Float32Array;
  /** Of one map, patches. */
  readonly mapSize: readonly [height: number, width: number];
  /** One a layer. */
  readonly rowLabels: readonly string[];
  /** One a head. */
  readonly columnLabels: readonly string[];
}

/**
 * Where each head of each layer looks in one picture; see `headMaps`.
 *
 * Of a model whose stages have different grids (Swin V2, CvT): the layers of the last stage.
 *
 * @param index Which of the pictures.
 * @throws UserError for a model without attention
 */
export function headGrid(model: Model, pictures: Pictures, index = 0): HeadGrid {
  const image = modelImages(model, pictureOf(pictures, index));
  const attention = captureAttention(model, image);
  try {
    const layers = attention.layers.map(headMaps);
    const { heads, size } = layers[layers.length - 1];
    const alike = layers.map((layer) => layer.heads === heads && `${layer.size}` === `${size}`);
    const kept = layers.filter((_, i) => alike[i]);
    const maps = new Float32Array(kept.length * kept[0].values.length);
    kept.forEach(({ values }, i) => {
      maps.set(values, i * values.length);
    });
    const numbers = layers.map((_, i) => i + 1).filter((_, i) => alike[i]);
    return {
      maps,
      mapSize: size,
      rowLabels: numbers.map((number) => `layer ${number}`),
      columnLabels: Array.from({ length: heads }, (_, head) => `head ${head + 1}`),
    };
  } finally {
    attention.dispose();
    image.dispose();
  }
}
