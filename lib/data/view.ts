import { UserError } from "../core/errors";
import type { Interpolation } from "../core/resize";
import type { Dataset, View } from "./dataset";

/** Width and height of an image, pixels. */
export interface Extent {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A part of an image. */
export interface Area extends Extent {
  /** First column, pixels. */
  readonly left: number;
  /** First row, pixels. */
  readonly top: number;
}

/** A {@link View} that is asked for before the size of the stored images is known. */
export interface ViewOptions extends Omit<View, "crop"> {
  /**
   * Side of the square cut out of the middle, source pixels; or a function that gives it for the
   * height and width of the stored images (none where they differ). By default all of the image.
   */
  readonly crop?:
    | number
    | ((sourceSize: readonly [height: number, width: number] | undefined) => number | undefined);
}

const interpolations: readonly Interpolation[] = ["nearest", "bilinear", "bicubic", "lanczos"];

/**
 * The view for images of this size.
 *
 * @throws UserError when crop or size are no sizes of an image, or the interpolation is unknown
 */
export function viewFor(
  { crop, size, interpolation }: ViewOptions,
  sourceSize: readonly [height: number, width: number] | undefined,
): View {
  const side = typeof crop === "function" ? crop(sourceSize) : crop;
  for (const [key, value] of Object.entries({ crop: side, size })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= 10000)) {
      throw new UserError(
        `${key} is ${value}; expected a whole number of pixels, 1–10000.`,
        "Correct the value.",
      );
    }
  }
  if (interpolation !== undefined && !interpolations.includes(interpolation)) {
    throw new UserError(
      `interpolation is '${interpolation}'; expected ${interpolations.join(", ")}.`,
      "Correct the value.",
    );
  }
  return {
    ...(side === undefined ? {} : { crop: side }),
    ...(size === undefined ? {} : { size }),
    ...(interpolation === undefined ? {} : { interpolation }),
  };
}

/** The part of an image that a view shows: square as soon as a crop or a size is asked for. */
export function areaOf({ width, height }: Extent, { crop, size }: View): Area {
  if (crop === undefined && size === undefined) return { left: 0, top: 0, width, height };
  const side = Math.min(crop ?? Number.POSITIVE_INFINITY, width, height);
  return {
    left: Math.floor((width - side) / 2),
    top: Math.floor((height - side) / 2),
    width: side,
    height: side,
  };
}

/** Height and width of an image as a view shows it, pixels. */
export function viewSize(extent: Extent, view: View): [height: number, width: number] {
  if (view.size !== undefined) return [view.size, view.size];
  const { width, height } = areaOf(extent, view);
  return [height, width];
}

/** Whether two views show the same pixels of any image. */
export function sameView(a: View, b: View): boolean {
  const interpolation = (view: View) =>
    view.size === undefined ? undefined : (view.interpolation ?? "lanczos");
  return a.crop === b.crop && a.size === b.size && interpolation(a) === interpolation(b);
}

/**
 * The same data set, shown in another way unless a read asks otherwise. Nothing is read.
 *
 * @throws UserError when the images differ in size and the view gives none
 */
export function withView(dataset: Dataset, options: ViewOptions): Dataset {
  const view = viewFor(options, dataset.sourceSize);
  if (sameView(view, dataset.view)) return dataset;
  const { sourceSize, size, imageSize } = dataset;
  if (sourceSize === undefined && view.size === undefined && size > 0) {
    throw new UserError(
      `${dataset.name}: its images differ in size.`,
      "Give a size that all images are brought to.",
    );
  }
  const [height, width] = sourceSize ?? imageSize;
  return {
    ...dataset,
    view,
    imageSize: viewSize({ height, width }, view),
    read: (rows, wanted = view) => dataset.read(rows, wanted),
    close: () => dataset.close(),
  };
}
