import assert from "node:assert/strict";
import { colorDistance, seenBy } from "#lib/plots/color-vision";

describe("color vision", () => {
  it("has the usual eye's L*a*b* of the sRGB primaries", () => {
    // Lindbloom's values for D65.
    const known = { "#ff0000": [53.24, 80.09, 67.2], "#0000ff": [32.3, 79.19, -107.86] };
    for (const [color, lab] of Object.entries(known))
      for (const [i, value] of seenBy("usual", color).entries())
        assert.ok(Math.abs(value - lab[i]) < 0.1, `${color}: ${value} for ${lab[i]}`);
    assert.ok(Math.abs(seenBy("usual", "#ffffff")[0] - 100) < 0.01);
  });

  it("confuses red and green without green cones, and no eye confuses black and white", () => {
    const [red, green] = ["#c85a3c", "#8c7828"];
    assert.ok(colorDistance("usual", red, green) > 40);
    assert.ok(colorDistance("deuteranopia", red, green) < 20);
    assert.ok(colorDistance("tritanopia", "#000000", "#ffffff") > 95);
  });
});
