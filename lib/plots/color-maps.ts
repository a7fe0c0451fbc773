import { interpolateColor } from "./theme";

/** Viridis (van der Walt & Smith 2015, CC0) at ten stops: even steps of lightness, in any eye. */
export const VIRIDIS = [
  "#440154",
  "#482878",
  "#3e4a89",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
] as const;

/** Values in [0, 1] → uint8 RGB along viridis. */
export function colorMap(values: ArrayLike<number>): Uint8Array {
  const table = Array.from({ length: 256 }, (_, i) =>
    Number.parseInt(interpolateColor(VIRIDIS, i / 255).slice(1), 16),
  );
  const pixels = new Uint8Array(values.length * 3);
  for (let i = 0; i < values.length; i++) {
    const color = table[Math.round(255 * Math.min(Math.max(values[i], 0), 1))];
    pixels[3 * i] = color >> 16;
    pixels[3 * i + 1] = (color >> 8) & 255;
    pixels[3 * i + 2] = color & 255;
  }
  return pixels;
}

/** A map stretched from its least to its greatest value onto [0, 1]; a constant one becomes 0. */
export function minMax(values: ArrayLike<number>): Float64Array {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return Float64Array.from(values, (value) => (high > low ? (value - low) / (high - low) : 0));
}

/** A picture in gray under a map in color: what the map does not stress stays dark. */
export function overlay(
  pixels: ArrayLike<number>,
  map: ArrayLike<number>,
  opacity = 0.6,
): Uint8Array {
  const colors = colorMap(map);
  const out = new Uint8Array(colors.length);
  for (let i = 0; i < map.length; i++) {
    const gray = 0.299 * pixels[3 * i] + 0.587 * pixels[3 * i + 1] + 0.114 * pixels[3 * i + 2];
    for (let c = 0; c < 3; c++)
      out[3 * i + c] = Math.round(gray * (1 - opacity) + colors[3 * i + c] * opacity);
  }
  return out;
}
