import { UserError } from "./errors";

/** The number that a float16 stands for, of its 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest float16 (ties to even), as its 16 bits. */
export function numberToHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(float[0]);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = ((bits[0] >>> 23) & 0xff) - 127;
  // A mantissa that rounds up to 1024 carries into the exponent, as it should.
  const mantissa = roundEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + mantissa);
}

/**
 * Numbers as the nearest float16s.
 *
 * @param name What they are, for the message.
 * @throws UserError when a finite one is beyond what a float16 holds
 */
export function toHalves(values: ArrayLike<number>, name: string): Uint16Array {
  const halves = Uint16Array.from(values, numberToHalf);
  const at = halves.findIndex(
    (half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(values[i]),
  );
  if (at < 0) return halves;
  throw new UserError(
    `${name} has the value ${values[at]}, and a float16 reaches 65504`,
    "store it as float32",
  );
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
