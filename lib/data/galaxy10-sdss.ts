import type { DatasetInfo } from "./dataset";
import { galaxy10SdssClasses } from "./galaxy10";
import { remoteGalaxy10 } from "./remote";

/** What a list of data sets shows. */
export const info: DatasetInfo = {
  name: "galaxy10-sdss",
  title: "Galaxy10 SDSS",
  description:
    "Galaxies of the Sloan Digital Sky Survey in g, r, i with labels from Galaxy Zoo, made by " +
    "Leung & Bovy; the first Galaxy10.",
  size: "21,785 images of 69 × 69 pixels, 10 classes, HDF5 of 210 MB",
  source: "https://zenodo.org/records/10844811",
  license: "as the Zenodo record states",
};

/** Download the file, and open it, downloading it on first use. */
export const { get, open } = remoteGalaxy10(
  info,
  {
    url: "https://zenodo.org/records/10844811/files/Galaxy10.h5",
    sha256: "969a6b1cefcc36e09fffa86febd2f699a4aa19b837ba0427f01b0bc6ded458af",
  },
  galaxy10SdssClasses,
);
