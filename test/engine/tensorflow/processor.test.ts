import assert from "node:assert/strict";
import { UserError } from "#lib/core/errors";
import { coresOfPart, describeProcessor, processorOf } from "#lib/engine/tensorflow/processor";

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
      assert.deepEqual(processorOf(new Set(flags.amx_bf16.split(" ")), level), found);
      assert.match(describeProcessor(found), new RegExp(`^${level}: `));
    });
  }

  it("chooses by the level, and forces no kernel that it does not have", () => {
    const chosen = (own: string) =>
      Object.keys(flags).map((level) => {
        const found = processorOf(new Set(own.split(" ")), level);
        const { multipliesBfloat16, normalizesBfloat16, pointwiseProducts, parts, cores } = found;
        assert.equal(found.usesTiles, level === "amx_bf16");
        assert.equal(found.packsBfloat16, multipliesBfloat16);
        assert.ok(parts === 1 || (multipliesBfloat16 && parts === Math.min(cores, 8)));
        return [multipliesBfloat16, normalizesBfloat16, pointwiseProducts].map(Number).join("");
      });
    assert.deepEqual(chosen(flags.amx_bf16), ["000", "010", "110", "111", "000"]);
    assert.deepEqual(chosen(flags.avx2), ["000", "000", "100", "101", "000"]);
    const alone = { ...processorOf(new Set()), cores: 1 };
    assert.doesNotMatch(describeProcessor(alone), /one core/);
    assert.match(describeProcessor({ ...alone, cores: 2 }), /little work.* take one core$/);
  });

  it("chooses the same for a GPU, whatever stands beside it", () => {
    for (const list of Object.values(flags)) {
      const found = processorOf(new Set(list.split(" ")), undefined, true);
      assert.ok(found.multipliesBfloat16 && found.normalizesBfloat16 && found.parts === 1);
      assert.ok(
        !found.pointwiseProducts && !found.keepsWeights && !found.usesTiles && !found.packsBfloat16,
      );
    }
  });

  it("shares cores among parts, and gives one op no more threads than TensorFlow's setting", () => {
    const name = "TF_NUM_INTRAOP_THREADS";
    const before = process.env[name];
    const machine = { ...processorOf(new Set()), cores: 16 };
    const chosen = (set: string | undefined) => {
      if (set === undefined) delete process.env[name];
      else process.env[name] = set;
      return [1, 2, 5, 32].map((parts) => coresOfPart(parts, machine));
    };
    try {
      assert.deepEqual(chosen(undefined), [16, 8, 3, 1]);
      assert.deepEqual(chosen("4"), [4, 8, 3, 1]);
      for (const none of ["0", "", "many"]) assert.deepEqual(chosen(none), [16, 8, 3, 1]);
    } finally {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    }
  });

  it("refuses a level it does not know", () => {
    assert.throws(() => processorOf(new Set(), "avx1024"), UserError);
  });
});
