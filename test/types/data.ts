import { Random } from "tuning-fork";
import {
  balancedRows,
  batches,
  type Dataset,
  type DatasetSource,
  datasets,
  epochOrder,
  exportFolders,
  fitsRgb,
  openDataset,
  registerDataset,
  splitPresets,
  stratifiedSplit,
  withView,
} from "tuning-fork/data";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const dataset = await openDataset("galaxy10-decals", { dataFolder: "data" });
  expectType<Same<typeof dataset, Dataset>>();
  expectType<Same<(typeof dataset)["imageSize"], readonly [height: number, width: number]>>();
  // @ts-expect-error: no such option
  await openDataset("synthetic", { folder: "data" });
  // @ts-expect-error: the spec comes first
  await openDataset({ spec: "synthetic" });

  const pixels = await dataset.read([0, 1], { crop: 128, size: 64, interpolation: "bicubic" });
  expectType<Same<typeof pixels, Uint8Array<ArrayBufferLike>>>();
  // @ts-expect-error: no such interpolation
  await dataset.read([0], { interpolation: "cubic" });
  // @ts-expect-error: a view is square and has one size
  await dataset.read([0], { size: [64, 64] });
  // @ts-expect-error: what was read is not written over
  dataset.table = {};
  withView(dataset, { crop: 128 });

  const random = new Random(1);
  const labels = [0, 1, 1];
  expectType<Same<ReturnType<typeof balancedRows>, Uint32Array<ArrayBufferLike>>>();
  balancedRows(labels, [0, 1, 2], "undersample", random);
  // @ts-expect-error: the field's word is undersample
  balancedRows(labels, [0, 1, 2], "under", random);
  epochOrder(labels, [0, 1, 2], "balanced", random);
  // @ts-expect-error: seeds are in the generator
  epochOrder(labels, [0, 1, 2], "natural", 42);

  for (const source of datasets) expectType<Same<typeof source, DatasetSource>>();
  // @ts-expect-error: a source can be opened
  registerDataset({ info: datasets[0].info, get: async () => {} });
  // @ts-expect-error: the registry is added to by registerDataset
  datasets.push(datasets[0]);

  const shares = splitPresets["64/16/20"];
  stratifiedSplit(labels, shares, { seed: 42 });
  await exportFolders(dataset, "out", { balance: "oversample", format: "jpg", seed: 1 });
  // @ts-expect-error: the three letters that files end with
  await exportFolders(dataset, "out", { format: "jpeg" });
  // @ts-expect-error: where to is no option
  await exportFolders(dataset, { to: "out" });
  for await (const batch of batches(dataset, [0, 1], { batchSize: 2 })) {
    expectType<Same<typeof batch.rows extends ArrayLike<number> ? true : false, true>>();
  }
  // @ts-expect-error: fitsRgb reads a file
  await fitsRgb(new Uint8Array(3));
}
