import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { addPictures } from "#lib/notebook/still-pictures";
import { trainingCurves } from "#lib/plots/training-curves";

const PLOTLY = "application/vnd.plotly.v1+json";

describe("pictures of a saved notebook", () => {
  it("are not put into what is no notebook", async () => {
    const folder = mkdtempSync(join(tmpdir(), "notebooks-"));
    try {
      const path = join(folder, "broken.ipynb");
      for (const text of ["{", "null", '{"cells": 3}']) {
        writeFileSync(path, text);
        await assert.rejects(addPictures(path), /broken\.ipynb is not a notebook/);
        assert.equal(readFileSync(path, "utf8"), text);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("stand beside its figures, of their size and small; the rest stays", async function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), "notebooks-"));
    try {
      const path = join(folder, "saved.ipynb");
      const figure = trainingCurves({ epoch: [1, 2, 3], trainLoss: [3, 2, 1] });
      const output = (data: object) => ({ output_type: "display_data", metadata: {}, data });
      const table = output({ "text/html": "<table></table>" });
      const cells = [
        { cell_type: "markdown", source: "A figure" },
        {
          cell_type: "code",
          source: "",
          outputs: [output({ [PLOTLY]: figure, "text/plain": "[figure]" }), table],
        },
      ];
      writeFileSync(path, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
      assert.equal(await addPictures(path), 1);

      const saved = JSON.parse(readFileSync(path, "utf8"));
      const [shown, kept] = saved.cells[1].outputs;
      assert.deepEqual(kept, table);
      const { "image/png": picture, ...data } = shown.data;
      assert.deepEqual(data, JSON.parse(JSON.stringify({ ...cells[1].outputs?.[0].data })));
      const png = Buffer.from(picture, "base64");
      const { format, width, height } = await sharp(png).metadata();
      assert.equal(format, "png");
      // Twice the dots of the size at which it is shown, which is the figure's own.
      const { layout } = figure;
      const own = [Number(layout.width), Number(layout.height)];
      const shownAt = shown.metadata["image/png"];
      for (const [i, length] of [shownAt.width, shownAt.height].entries()) {
        assert.ok(Math.abs(length - own[i]) < 2, `${length} pixels instead of ${own[i]}`);
        assert.ok(
          Math.abs(Number([width, height][i]) - 2 * length) < 2,
          `${width} × ${height} dots`,
        );
      }
      assert.ok(png.length < 100_000, `${png.length} bytes`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
