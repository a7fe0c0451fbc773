/**
 * The counter-based generator Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405), seeded
 * and read as TensorFlow's stateless ops do, so that other engines draw the same numbers.
 */
export function philox(seed: readonly [number, number], count: number): Uint32Array {
  const scrambled = block(
    Uint32Array.of(seed[0], seed[0] < 0 ? -1 : 0, seed[1], seed[1] < 0 ? -1 : 0),
    Uint32Array.of(0x3ec8f720, 0x02461e29),
  );
  const key = scrambled.subarray(0, 2);
  const counter = Uint32Array.of(0, 0, scrambled[2], scrambled[3]);
  const out = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let i = 0; i < out.length; i += 4) {
    out.set(block(counter, key), i);
    for (let word = 0; word < 4 && ++counter[word] > 0xffffffff; word++);
  }
  return out;
}

/** Ten rounds on one counter. */
function block(counter: Uint32Array, key: Uint32Array): Uint32Array {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [highA, lowA] = multiply(0xd2511f53, a);
    const [highC, lowC] = multiply(0xcd9e8d57, c);
    [a, b, c, d] = [(highC ^ b ^ k0) >>> 0, lowC, (highA ^ d ^ k1) >>> 0, lowA];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return Uint32Array.of(a, b, c, d);
}

/** The high and the low word of a 32 × 32 bit product. */
function multiply(x: number, y: number): [number, number] {
  const xl = x & 0xffff;
  const xh = x >>> 16;
  const yl = y & 0xffff;
  const yh = y >>> 16;
  const low = xl * yl;
  const middle = xh * yl + (low >>> 16);
  const middle2 = xl * yh + (middle % 65536);
  const high = xh * yh + Math.floor(middle / 65536) + Math.floor(middle2 / 65536);
  return [high >>> 0, Math.imul(x, y) >>> 0];
}
