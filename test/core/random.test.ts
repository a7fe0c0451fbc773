import assert from "node:assert/strict";
import { mixed, Random } from "#lib/core/random";

const WORD = 2n ** 32n;
const word = (x: bigint) => ((x % WORD) + WORD) % WORD;

/** sfc32 as PractRand has it, in whole numbers of any size. */
function* sfc32(state: readonly number[]) {
  let [a, b, c, counter] = state.map(BigInt);
  for (;;) {
    const sum = word(a + b + counter);
    counter = word(counter + 1n);
    a = b ^ (b >> 9n);
    b = word(c + (c << 3n));
    c = word(word((c << 21n) | (c >> 11n)) + sum);
    yield Number(sum);
  }
}

describe("random numbers", () => {
  it("are sfc32's", () => {
    for (const random of [new Random(0), new Random(42, "rows"), new Random(-1)]) {
      const theirs = sfc32(random.state);
      for (let i = 0; i < 1000; i++) assert.equal(random.uint32(), theirs.next().value);
    }
  });

  it("stay what they are: splits and initial weights of old runs follow from them", () => {
    const random = new Random(42, "rows");
    const drawn = [random.uint32(), random.uint32(), random.uint32()];
    assert.deepEqual(drawn, [3089972275, 1312258235, 2421750403]);
    assert.equal(new Random(7).integer(1000), 454);
    assert.equal(new Random(7).normal(), -0.07471138114742037);
    assert.deepEqual([mixed(1), mixed(-5)], [-2032993677, 849847686]);
  });

  it("go on from a state, and differ by seed and by stream", () => {
    const random = new Random(3);
    random.normal();
    const { state } = random;
    const next = random.uint32();
    const other = new Random(9);
    other.normal();
    other.state = state;
    assert.equal(other.uint32(), next);
    const firsts = [new Random(3), new Random(4), new Random(3, "a"), new Random(3, "b")];
    assert.equal(new Set(firsts.map((one) => one.uint32())).size, 4);
  });

  it("have their mean and deviation, within five standard errors", () => {
    const random = new Random(1);
    const n = 20_000;
    const normals = Array.from({ length: n }, () => random.normal(2, 3));
    const mean = normals.reduce((a, b) => a + b) / n;
    const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    assert.ok(Math.abs(mean - 2) < (5 * 3) / Math.sqrt(n));
    assert.ok(Math.abs(variance / 9 - 1) < 5 * Math.sqrt(2 / n));
    const order = random.permutation(100);
    assert.deepEqual(
      Array.from(order).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i),
    );
  });
});
