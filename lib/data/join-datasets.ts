import { UserError } from "../core/errors";
import { asNumbers, asText } from "../core/table";
import type { Dataset } from "./dataset";

/**
 * Several data sets as one, the rows of each after those of the one before: such as galaxies and pictures that
 * are none. The table has `id`, `label` (−1 where it is not known, and of classes that the first does not
 * have) and `source`, the name of the data set that a row is from.
 *
 * @returns closing it closes all of them
 * @throws UserError where pictures are not of one size
 */
export function joinDatasets(...datasets: readonly Dataset[]): Dataset {
  const [first] = datasets;
  for (const { name, imageSize } of datasets) {
    if (String(imageSize) === String(first.imageSize)) continue;
    throw new UserError(
      `${name} is read as ${imageSize.join(" × ")} pixels, ${first.name} as ${first.imageSize.join(" × ")}`,
      "open all with one size",
    );
  }
  const starts: number[] = [];
  let size = 0;
  for (const dataset of datasets) {
    starts.push(size);
    size += dataset.size;
  }
  const [height, width] = first.imageSize;
  const length = height * width * 3;
  const table = {
    id: datasets.flatMap(({ table }) => asText(table.id)),
    label: datasets.flatMap(({ table, classNames, size }) => {
      const names = table.label ? asNumbers(table.label) : new Array<number>(size).fill(-1);
      return names.map((label) => (label < 0 ? -1 : first.classNames.indexOf(classNames[label])));
    }),
    source: datasets.flatMap(({ name, size }) => new Array<string>(size).fill(name)),
  };
  return {
    name: datasets.map(({ name }) => name).join(" + "),
    classNames: first.classNames,
    table,
    size,
    sourceSize: first.sourceSize,
    view: first.view,
    imageSize: first.imageSize,
    async read(rows) {
      const images = new Uint8Array(rows.length * length);
      for (const [d, dataset] of datasets.entries()) {
        const places: number[] = [];
        for (let i = 0; i < rows.length; i++) {
          if (rows[i] >= starts[d] && rows[i] < starts[d] + dataset.size) places.push(i);
        }
        if (places.length === 0) continue;
        const own = await dataset.read(places.map((i) => rows[i] - starts[d]));
        for (const [at, i] of places.entries()) {
          images.set(own.subarray(at * length, (at + 1) * length), i * length);
        }
      }
      return images;
    },
    async close() {
      for (const dataset of datasets) await dataset.close();
    },
  };
}
