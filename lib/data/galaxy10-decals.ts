import type { DatasetInfo } from "./dataset";
import { galaxy10DecalsClasses } from "./galaxy10";
import { remoteGalaxy10 } from "./remote";

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "galaxy10-decals",
  title: "Galaxy10 DECaLS",
  description:
    "Galaxies of the DESI Legacy Imaging Surveys in g, r, z with labels from Galaxy Zoo, made by " +
    "Leung & Bovy; the benchmark of the field.",
  size: "17,736 images of 256 × 256 pixels, 10 classes, HDF5 of 2.7 GB",
  source: "https://zenodo.org/records/10845026",
  license: "as the Zenodo record states",
};

/** Download the file, and open it, downloading it on first use. */
export const { get, open } = remoteGalaxy10(
  info,
  {
    url: "https://zenodo.org/records/10845026/files/Galaxy10_DECals.h5",
    sha256: "19aefc477c41bb7f77ff07599a6b82a038dc042f889a111b0d4d98bb755c1571",
  },
  galaxy10DecalsClasses,
);
