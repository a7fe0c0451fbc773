import assert from "node:assert/strict";
import { UserError } from "#lib/core/errors";
import { describeProcessor, processorOf } from "#lib/engine/tensorflow/processor";

const flags = {
  avx2: "sse2 avx avx2 fma",
  avx512: "avx2 avx512f avx512dq avx512bw avx512vl",
  avx512_bf16: "avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16",
  amx_bf16: "avx2 avx512f avx512dq avx512bw avx512vl avx512_bf16 amx_bf16 amx_tile",
  other: "fp asimd",
};

describe("the processor", () => {
  for (const [level, list] of Object.entries(flags)) {
    it(`is ${level} by its flags, and by force`, () => {
      const found = processorOf(new Set(list.split(" ")));
      assert.equal(found.level, level);
      assert.deepEqual(processorOf(new Set(), level), found);
      assert.match(describeProcessor(found), new RegExp(`^${level}: `));
    });
  }

  it("normalizes in bfloat16 from AVX-512 on, and multiplies from AVX512_BF16 on", () => {
    const all = Object.keys(flags).map((level) => processorOf(new Set(), level));
    assert.deepEqual(
      all.map(({ normalizesBfloat16 }) => normalizesBfloat16),
      [false, true, true, true, false],
    );
    assert.deepEqual(
      all.map(({ multipliesBfloat16 }) => multipliesBfloat16),
      [false, false, true, true, false],
    );
  });

  it("refuses a level it does not know", () => {
    assert.throws(() => processorOf(new Set(), "avx1024"), UserError);
  });
});
