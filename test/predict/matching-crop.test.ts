import assert from "node:assert/strict";
import { usualCrop } from "#lib/data/usual-crop";
import { matchingCrop } from "#lib/predict/matching-crop";

describe("the crop of pictures that matches a model", () => {
  const crop = (learned: Parameters<typeof matchingCrop>[0], size: [number, number]) =>
    matchingCrop(learned, size, usualCrop);

  it("is the model's own for pictures of the size it learned from", () => {
    assert.deepEqual(crop({ sourceSize: [424, 424], crop: 224 }, [424, 424]), { crop: 224 });
    assert.deepEqual(crop({ sourceSize: [69, 69] }, [69, 69]), {});
  });

  it("goes between whole pictures and those of which the middle is usual, and says what it assumes", () => {
    const whole = crop({ sourceSize: [128, 128], crop: 128 }, [424, 424]);
    assert.equal(whole.crop, 224);
    assert.match(
      whole.warning ?? "",
      /learned from pictures of 128 × 128 pixels, these are .* 424 × 424/,
    );
    assert.match(whole.warning ?? "", /their middle 224 are taken/);
    const middle = crop({ sourceSize: [424, 424], crop: 224 }, [128, 128]);
    assert.equal(middle.crop, undefined);
    assert.match(middle.warning ?? "", /all of each is taken/);
    assert.equal(crop({ sourceSize: [424, 424], crop: 112 }, [256, 256]).crop, 128);
  });

  it("is what training would take where nobody knows what the model saw", () => {
    for (const learned of [{}, undefined]) {
      const { crop: side, warning } = crop(learned, [424, 424]);
      assert.equal(side, 224);
      assert.match(warning ?? "", /size that is not known/);
    }
  });
});
