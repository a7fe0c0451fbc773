import { mixed } from "../core/random";
import type { Dataset } from "./dataset";
import { type Instrument, type Observation, observeAgain } from "./observation";

/**
 * The same galaxies as another telescope would see them, or as they would look farther away: whoever reads
 * pictures of this data set gets what {@link observeAgain} makes of each, the same every time.
 *
 * @param from How the pictures were taken, at the size at which the data set is read.
 * @param to How they are to be seen; or a function that says it for a row.
 */
export function observedDataset(
  dataset: Dataset,
  from: Instrument,
  to: Observation | ((row: number) => Observation),
): Dataset {
  return {
    ...dataset,
    async read(rows, view = dataset.view) {
      const images = await dataset.read(rows, view);
      const length = images.length / rows.length;
      const side = view.size ?? Math.sqrt(length / 3);
      const size =
        view === dataset.view || !Number.isInteger(side)
          ? dataset.imageSize
          : ([side, side] as const);
      for (let i = 0; i < rows.length; i++) {
        const own = typeof to === "function" ? to(rows[i]) : to;
        const image = images.subarray(i * length, (i + 1) * length);
        image.set(observeAgain(image, size, from, own, mixed(rows[i])));
      }
      return images;
    },
  };
}
