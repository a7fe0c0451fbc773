import { basename, extname, join } from "node:path";
import { UserError } from "../core/errors";
import { distinctNames } from "../core/names";
import { cropResize, decodeImage, probeImage } from "../data/image-files";
import { type ViewOptions, viewFor } from "../data/view";
import { hasAttention } from "../explain/attention-maps";
import { type ComparisonRow, compareExplanations } from "../explain/compare";
import { headGrid } from "../explain/head-grid";
import { explanationMethods, methodsFor } from "../explain/methods";
import { upsample } from "../explain/upsample";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import { encodeNpy } from "../io/npy";
import { minMax, overlay } from "../plots/color-maps";
import { exportFigures } from "../plots/export-figures";
import { saliencyOverlay } from "../plots/saliency-overlay";
import type { Pictures } from "../predict/image-batch";
import { modelOptions, modelView, namedModel } from "./named-model";
import { defineVerb, say } from "./verb";

/** Shorter pictures are drawn this large: a map of a few patches is hard to see on 64 pixels. */
const SHOWN = 448;

export const verb = defineVerb({
  summary: "What a model looks at in some images, as pictures and arrays",
  details:
    "Writes IMAGE-METHOD.png (the map over the image) and IMAGE-METHOD.npy (the map as it is), for a transformer IMAGE-heads.npy [layers, heads, height, width], and the contact sheet sheet.png.",
  words: { name: "IMAGE", count: [0, Number.POSITIVE_INFINITY] },
  options: {
    ...modelOptions,
    image: {
      type: "text",
      value: "FILE",
      help: "An image file; files after the options are images too.",
      multiple: true,
    },
    method: {
      type: "choice",
      value: "NAME",
      choices: explanationMethods,
      help: "How it is explained. Default: the methods that suit the model.",
      multiple: true,
    },
    class: {
      type: "integer",
      value: "N",
      help: "The class explained, from 0. Default: the one that the model takes the image for.",
      least: 0,
    },
    crop: {
      type: "integer",
      value: "N",
      help: "Side in pixels of the middle cut out of each image. Default: as in training.",
      least: 1,
    },
    out: { type: "text", value: "DIR", help: "Folder of what is written.", required: "maps" },
  },
  async run({ image, method, class: target, crop, out, ...values }, words) {
    const files = [...image, ...words];
    if (files.length === 0) {
      throw new UserError("--image is missing", "give it, for example --image galaxy.png");
    }
    // Two files of one name in different folders: neither overwrites the other's maps.
    const names = distinctNames(
      files.map((file) => basename(file, extname(file))),
      "-",
    );
    const named = await namedModel(values);
    const { model } = named;
    try {
      if (named.trees !== undefined) {
        named.trees.dispose();
        throw new UserError(
          `${values.run} holds boosted trees, which look at no picture`,
          "give the run of the network on whose features they stand (boost.yaml names it)",
        );
      }
      const methods = method.length > 0 ? method : methodsFor(model);
      const pictures = await readImages(files, model.inputSize[0], modelView(named, crop));
      makeFolder(out);
      const questions = Object.fromEntries(
        methods.map((method) => [method, { model, method, target }]),
      );
      const rows = await compareExplanations(pictures, names, questions);
      for (const row of rows) await writeRow(out, row, pictures.size);
      if (hasAttention(model)) {
        for (const [i, name] of names.entries()) {
          const { maps, mapSize, rowLabels, columnLabels } = await headGrid(model, pictures, i);
          const shape = [rowLabels.length, columnLabels.length, ...mapSize];
          writeFileAtomic(join(out, `${name}-heads.npy`), encodeNpy(maps, shape));
        }
      }
      const sheet = await saliencyOverlay({ rows, imageSize: pictures.size });
      await exportFigures({ [join(out, "sheet")]: sheet }, { formats: ["png"] });
    } finally {
      model.dispose();
    }
    say(`${files.length} images: maps and sheet.png in ${out}`);
    return undefined;
  },
});

async function readImages(
  files: readonly string[],
  side: number,
  view: ViewOptions,
): Promise<Pictures> {
  const images = await Promise.all(
    files.map(async (file) => {
      const shape = await probeImage(file);
      if (typeof shape === "string") {
        throw new UserError(`${file}: ${shape}`, "give a PNG, JPEG, WebP or TIFF image");
      }
      return decodeImage(file, shape, viewFor(view, [shape.height, shape.width]));
    }),
  );
  return { pixels: new Uint8Array(Buffer.concat(images)), size: [side, side] };
}

async function writeRow(
  out: string,
  { name, pixels, maps }: ComparisonRow,
  size: Pictures["size"],
): Promise<void> {
  const { default: sharp } = await import("sharp");
  const [height, width] = size;
  const shown = Math.max(SHOWN, height);
  const large = await cropResize(pixels, { width, height }, { size: shown });
  for (const [method, map] of Object.entries(maps)) {
    const path = join(out, `${name}-${method}`);
    writeFileAtomic(`${path}.npy`, encodeNpy(map.values, map.size));
    const { values } = upsample(map, [shown, shown]);
    const raw = { width: shown, height: shown, channels: 3 } as const;
    const image = sharp(overlay(large, minMax(values)), { raw }).png();
    writeFileAtomic(`${path}.png`, await image.toBuffer());
  }
}
