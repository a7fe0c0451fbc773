/** Big-endian numbers of a FITS file, as BITPIX says they are stored. */
export function numberReader(view: DataView, bitpix: number): (at: number) => number {
  switch (bitpix) {
    case 8:
      return (at) => view.getUint8(at);
    case 16:
      return (at) => view.getInt16(at);
    case 32:
      return (at) => view.getInt32(at);
    case 64:
      return (at) => Number(view.getBigInt64(at));
    case -32:
      return (at) => view.getFloat32(at);
    default:
      return (at) => view.getFloat64(at);
  }
}

/** Room for the pixels of an image: float32 where that holds every value of this BITPIX. */
export function pixelArray(bitpix: number, count: number): Float32Array | Float64Array {
  const narrow = bitpix === 8 || bitpix === 16 || bitpix === -32;
  return narrow ? new Float32Array(count) : new Float64Array(count);
}

/**
 * Pixels as physical values.
 *
 * @param scale BSCALE
 * @param zero BZERO
 * @param blank The stored value of a blank pixel, which becomes NaN.
 */
export function decodePixels(
  raw: Uint8Array,
  bitpix: number,
  scale: number,
  zero: number,
  blank: unknown,
): Float32Array | Float64Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const bytes = Math.abs(bitpix) / 8;
  const out = pixelArray(bitpix, raw.byteLength / bytes);
  const get = numberReader(view, bitpix);
  for (let i = 0; i < out.length; i++) {
    const stored = get(i * bytes);
    out[i] = stored === blank ? Number.NaN : zero + scale * stored;
  }
  return out;
}
