import assert from "node:assert/strict";
import { matchingView } from "#lib/predict/matching-view";

describe("the view of pictures that matches a model", () => {
  it("is the model's own for pictures of the size it learned from", () => {
    const learned = {
      sourceSize: [424, 424],
      crop: 224,
      size: 96,
      interpolation: "bicubic",
    } as const;
    assert.deepEqual(matchingView(learned, 96, [424, 424], undefined), {
      view: { size: 96, crop: 224, interpolation: "bicubic" },
    });
  });

  it("is the same share of larger ones, and says that the scale is not known", () => {
    const { view, warning } = matchingView(
      { sourceSize: [424, 424], crop: 212, size: 96 },
      96,
      [256, 256],
      undefined,
    );
    assert.deepEqual(view, { size: 96, crop: 128 });
    assert.match(
      warning ?? "",
      /learned from pictures of 424 × 424 pixels, these are .* 256 × 256/,
    );
  });

  it("is what training would take where the model saw whole pictures, or nobody knows", () => {
    for (const learned of [
      { sourceSize: [128, 128], crop: 128, size: 64 } as const,
      {},
      undefined,
    ]) {
      const { view, warning } = matchingView(learned, 64, [424, 424], 224);
      assert.deepEqual(view, { size: 64, crop: 224 });
      assert.match(warning ?? "", /their middle 224 are taken/);
    }
  });
});
