/**
 * Convolve a plane of light with a Gaussian; beyond its edges there is none.
 *
 * @param image `[height, width]`, row-major; it stays as it is.
 * @param sigma Standard deviation, pixels.
 */
export function gaussianBlur(
  image: Float64Array,
  [height, width]: readonly [height: number, width: number],
  sigma: number,
): Float64Array {
  const reach = Math.ceil(3.5 * sigma);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    sigma > 0 ? Math.exp(-0.5 * ((i - reach) / sigma) ** 2) : 1,
  );
  const sum = kernel.reduce((a, b) => a + b, 0);
  const rows = new Float64Array(image.length);
  const out = new Float64Array(image.length);
  for (let k = -reach; k <= reach; k++) {
    const weight = kernel[k + reach] / sum;
    for (let y = 0; y < height; y++) {
      for (let x = Math.max(0, -k); x < Math.min(width, width - k); x++) {
        rows[y * width + x] += weight * image[y * width + x + k];
      }
    }
  }
  for (let k = -reach; k <= reach; k++) {
    const weight = kernel[k + reach] / sum;
    const from = Math.max(0, -k) * width;
    const to = Math.min(height, height - k) * width;
    for (let i = from; i < to; i++) out[i] += weight * rows[i + k * width];
  }
  return out;
}
