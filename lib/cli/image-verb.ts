import { UserError } from "../core/errors";
import { openFits } from "../data/fits-file";
import { flipRows } from "../data/fits-image";
import { writePicture } from "../data/fits-image-file";
import { legacyRgb, luptonRgb } from "../data/lupton";
import { defineVerb, say } from "./verb";

/** Red, green and blue planes of a FITS file: three planes of one image, or one for all. */
async function readPlanes(path: string, hdu: number | string | undefined) {
  const file = await openFits(path);
  try {
    const { values, shape, header } = file.image(hdu);
    const legacy = header.text("BANDS") === "grz";
    const [rows, columns] = shape.slice(-2);
    const planes = values.length / (rows * columns);
    if (planes !== 1 && planes !== 3) {
      throw new UserError(
        `the image of ${path} is ${shape.join(" × ")}`,
        "give one plane, or three of g, r and z (or i)",
      );
    }
    const plane = (i: number) => values.subarray(i * rows * columns, (i + 1) * rows * columns);
    // Bands come from blue to red.
    const bands = (planes === 1 ? [0, 0, 0] : [2, 1, 0]).map((i) => plane(i));
    return { bands, rows, columns, legacy };
  } finally {
    file.close();
  }
}

/** A width for the asinh that suits most images: the 99th percentile of the mean intensity, a third of it. */
function stretchFor(bands: readonly ArrayLike<number>[]): number {
  const means = Float64Array.from(bands[0], (value, i) => (value + bands[1][i] + bands[2][i]) / 3);
  const finite = means.filter(Number.isFinite).sort();
  const bright = finite[Math.floor(0.99 * (finite.length - 1))];
  return bright > 0 ? bright / 3 : 1;
}

export const verb = defineVerb({
  summary: "A FITS image as a color picture",
  details:
    "Three planes are taken as bands from blue to red (g, r, z); one plane becomes gray. The picture is stretched by asinh, so that faint arms and the bright core are both seen (Lupton et al. 2004). Cut-outs of the Legacy Surveys (BANDS is grz) look as in their viewer, unless --stretch or --q is given.",
  words: { name: "FILE.fits" },
  options: {
    out: { type: "text", value: "FILE.png", help: "The picture.", required: "galaxy.png" },
    hdu: {
      type: "text",
      value: "N|NAME",
      help: "Which image of the file, by number (the primary HDU is 0) or name. Default: the first.",
    },
    stretch: {
      type: "number",
      value: "N",
      help: "Width of the linear part, in the image's unit. Default: from the image.",
    },
    q: {
      type: "number",
      value: "N",
      help: "Softening: larger compresses bright parts more. Default 8.",
    },
  },
  async run({ out, hdu, stretch, q }, [path]) {
    const { bands, rows, columns, legacy } = await readPlanes(
      path,
      hdu !== undefined && /^\d+$/.test(hdu) ? Number(hdu) : hdu,
    );
    const [red, green, blue] = bands;
    const pixels =
      legacy && stretch === undefined && q === undefined
        ? legacyRgb(blue, green, red)
        : luptonRgb(red, green, blue, {
            stretch: stretch ?? stretchFor(bands),
            Q: q ?? 8,
          });
    // FITS counts rows from the bottom.
    flipRows(pixels, columns * 3);
    await writePicture(out, { pixels, width: columns, height: rows });
    say(`${columns} × ${rows} pixels: ${out}`);
    return undefined;
  },
});
