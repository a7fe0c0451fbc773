import assert from "node:assert/strict";
import { resizeImage } from "#lib/core/resize";
import { percent } from "#lib/plots/cells";
import { colorMap, minMax, overlay, VIRIDIS } from "#lib/plots/color-maps";
import { EYE_NAMES, seenBy } from "#lib/plots/color-vision";
import { count, plain, textWidth, twoLines, wrap } from "#lib/plots/text";
import { interpolateColor, resize, textOn, themeOf } from "#lib/plots/theme";

type Triple = readonly [number, number, number];

function linear(color: string): Triple {
  const value = Number.parseInt(color.slice(1), 16);
  const [r, g, b] = [value >> 16, (value >> 8) & 255, value & 255].map((c) =>
    c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  );
  return [r, g, b];
}

const distance = (a: Triple, b: Triple) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

describe("themes", () => {
  for (const name of ["light", "dark"] as const) {
    const theme = themeOf({ theme: name });
    for (const eye of EYE_NAMES) {
      it(`${name}: categories differ for ${eye} vision`, () => {
        const colors = theme.palette.map((color) => seenBy(eye, color));
        let least = Number.POSITIVE_INFINITY;
        const pairs = (n: number) => {
          for (let i = 0; i < n; i++)
            for (let j = 0; j < i; j++) least = Math.min(least, distance(colors[i], colors[j]));
        };
        pairs(4);
        assert.ok(least > 20, `of the first four: ${least}`);
        pairs(colors.length);
        assert.ok(least > 15, `of all: ${least}`);
      });
    }

    it(`${name}: amounts rise evenly in lightness for every eye`, () => {
      for (const eye of EYE_NAMES) {
        const steps = Array.from(
          { length: 21 },
          (_, i) => seenBy(eye, interpolateColor(theme.sequential, i / 20))[0],
        );
        const sign = name === "light" ? -1 : 1;
        for (let i = 1; i < steps.length; i++)
          assert.ok(sign * (steps[i] - steps[i - 1]) > 0.5, `${eye} at step ${i}`);
      }
    });

    it(`${name}: text is read on paper and on every cell`, () => {
      const contrast = (a: string, b: string) => {
        const [x, y] = [a, b].map((color) => {
          const [r, g, bl] = linear(color);
          return 0.2126 * r + 0.7152 * g + 0.0722 * bl + 0.05;
        });
        return Math.max(x, y) / Math.min(x, y);
      };
      assert.ok(contrast(theme.ink, theme.paper) > 7);
      assert.ok(contrast(theme.muted, theme.paper) > 4.5);
      for (let i = 0; i <= 50; i++) {
        const cell = interpolateColor(theme.sequential, i / 50);
        assert.ok(contrast(textOn(cell), cell) > 4.5, `${i / 50}`);
      }
    });
  }
});

describe("texts", () => {
  it("break where lines balance, and never read a name as markup", () => {
    assert.equal(twoLines("In-between Round Smooth"), "In-between<br>Round Smooth");
    assert.equal(twoLines("Merging"), "Merging");
    assert.equal(twoLines("completely_round_smooth"), "completely<br>round smooth");
    assert.equal(plain("a<b>&_\nc"), "a&lt;b>&amp; <br>c");
    assert.equal(count(1234567), "1\u2009234\u2009567");
    assert.equal(count(999), "999");
  });

  it("of captions break in the ids of files in folders, and lose no letter", () => {
    const id = "completely_round_smooth/587722981736120347.jpg";
    const lines = wrap(id, 90, 9);
    assert.ok(lines.length > 2, lines.join("|"));
    assert.equal(lines.join(""), id);
    for (const line of lines) assert.ok(textWidth(line, 9) <= 90, line);
    assert.deepEqual(wrap("p = 0.98", 90, 9), ["p = 0.98"]);
  });
});

describe("color maps and sizes", () => {
  it("keep ends, order and shape", () => {
    assert.deepEqual([...colorMap([0, 1])], [0x44, 0x01, 0x54, 0xfd, 0xe7, 0x25]);
    assert.equal(VIRIDIS.length, 10);
    assert.deepEqual([0, 0.004, 0.5, 0.996, 1].map(percent), ["", "<1", "50", ">99", "100"]);
    assert.deepEqual([...minMax([3, 5, 4])], [0, 1, 0.5]);
    assert.deepEqual([...minMax([2, 2])], [0, 0]);
    assert.deepEqual([...resizeImage([0, 1], [1, 2], [1, 4], 1)], [0, 0.25, 0.75, 1]);
    assert.deepEqual([...resizeImage([7], [1, 1], [2, 2], 1)], [7, 7, 7, 7]);
    assert.deepEqual([...overlay([255, 255, 255], [0], 0)], [255, 255, 255]);
  });

  it("let heights follow the width unless rows set them", () => {
    const figure = { data: [], layout: { width: 400, height: 200, meta: { keepHeight: false } } };
    assert.equal(resize(figure, 800).layout.height, 400);
    const rows = { data: [], layout: { width: 400, height: 200, meta: { keepHeight: true } } };
    assert.equal(resize(rows, 800).layout.height, 200);
  });
});
