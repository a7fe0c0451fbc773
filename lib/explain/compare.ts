import type { Model } from "../models/module";
import { type Pictures, pictureOf } from "../predict/image-batch";
import { explain } from "./methods";
import { mapOf, type SaliencyMaps } from "./saliency-maps";
import type { Target } from "./target";

/** A column of a comparison: a model and how it is asked. */
export interface Question {
  /** The model that is asked. */
  readonly model: Model;
  /** One of `explanationMethods`. */
  readonly method: string;
  /** The class explained; default the one that the model takes each picture for. */
  readonly target?: Target;
}

/** A row: what `saliencyOverlay` draws. */
export interface ComparisonRow {
  /** Of the picture. */
  readonly name: string;
  /** uint8 RGB `[height, width, 3]`, as it was given. */
  readonly pixels: Uint8Array;
  /** Heading of a column → the map of this picture. */
  readonly maps: Readonly<Record<string, SaliencyMaps>>;
}

/**
 * Ask several models, or one in several ways, about the same pictures.
 *
 * @param names One a picture.
 * @param questions Heading of a column → what is asked there.
 */
export async function compareExplanations(
  pictures: Pictures,
  names: readonly string[],
  questions: Readonly<Record<string, Question>>,
): Promise<ComparisonRow[]> {
  const rows = names.map((name, i) => ({
    name,
    pixels: pictureOf(pictures, i).pixels,
    maps: {} as Record<string, ComparisonRow["maps"][string]>,
  }));
  for (const [heading, { model, method, target }] of Object.entries(questions)) {
    const maps = await explain(model, pictures, method, target);
    rows.forEach((row, i) => {
      row.maps[heading] = { values: mapOf(maps, i), size: maps.size };
    });
  }
  return rows;
}
