import { colorMap } from "#lib/plots/color-maps";
import type { Pictures } from "#lib/predict/image-batch";

/** A square part of a picture, source pixels. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly side: number;
}

/** The square in the middle, of this side or as large as it goes. */
export function middle([height, width]: Pictures["size"], wanted = Infinity): Crop {
  const side = Math.min(wanted, height, width);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}

/** The same crop, inside the picture and of whole pixels. */
export function inside({ left, top, side }: Crop, [height, width]: Pictures["size"]): Crop {
  const least = Math.min(8, height, width);
  const whole = Math.round(Math.min(Math.max(side, least), height, width));
  const within = (at: number, length: number) =>
    Math.round(Math.min(Math.max(at, 0), length - whole));
  return { left: within(left, width), top: within(top, height), side: whole };
}

/** The part of a picture. */
export function cut({ pixels, size: [, width] }: Pictures, { left, top, side }: Crop): Pictures {
  const out = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(pixels.subarray(from, from + side * 3), y * side * 3);
  }
  return { pixels: out, size: [side, side] };
}

/** A picture for a canvas. */
export function toCanvas({ pixels, size: [height, width] }: Pictures): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
    image.data[to] = pixels[from];
    image.data[to + 1] = pixels[from + 1];
    image.data[to + 2] = pixels[from + 2];
    image.data[to + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/** A map of 0…1 in color over a square canvas; where it is low it lets the picture through. */
export function drawMap(canvas: HTMLCanvasElement, map: ArrayLike<number>): void {
  const size = Math.sqrt(map.length);
  canvas.width = size;
  canvas.height = size;
  const colors = colorMap(map);
  const image = new ImageData(size, size);
  for (let i = 0; i < map.length; i++) {
    image.data.set(
      [colors[3 * i], colors[3 * i + 1], colors[3 * i + 2], 255 * Math.sqrt(map[i])],
      4 * i,
    );
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** Hand a file to the person. */
export function save(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
