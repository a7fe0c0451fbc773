import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { openBrowser } from "#lib/plots/browser";
import { trainingCurves } from "#lib/plots/training-curves";
import { ROOT } from "../notebook/support";

describe("the gallery of notebooks", () => {
  it("shows figures at their own size, whatever was saved beside them, with a page and a PDF each", async function () {
    this.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), "gallery-"));
    try {
      const figure = trainingCurves({ epoch: [1, 2, 3], trainLoss: [3, 2, 1] });
      // As JupyterLab saves it: as wide as the page.
      const wide = { width: 1100, height: 428, channels: 3, background: "white" } as const;
      const png = await sharp({ create: wide }).png().toBuffer();
      const data = {
        "application/vnd.plotly.v1+json": figure,
        "image/png": png.toString("base64"),
        "text/plain": "[figure: scatter]",
      };
      const cells = [
        { cell_type: "markdown", id: "a", metadata: {}, source: "# Rising & falling" },
        {
          ...{ cell_type: "markdown", id: "b", metadata: {} },
          source: "They *learn*, says [someone](x.html). Or not.",
        },
        {
          ...{ cell_type: "code", id: "c", metadata: {}, source: "showFigure(curves);" },
          ...{ execution_count: 1 },
          outputs: [{ output_type: "display_data", metadata: {}, data }],
        },
      ];
      const metadata = { kernelspec: { name: "tslab", display_name: "TypeScript" } };
      const path = join(folder, "curves.ipynb");
      writeFileSync(path, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
      const to = join(folder, "gallery");
      const script = join(ROOT, "tools", "notebooks", "html.mjs");
      const args = [script, "--from", folder, "--to", to];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      assert.equal(status, 0, stderr);

      const index = readFileSync(join(to, "index.html"), "utf8");
      assert.match(index, /<a href="curves.html"><img src="data:image\/png;base64,/);
      assert.match(index, /Rising &#38; falling/);
      assert.match(index, /<p>They learn, says someone\. </);
      const browser = await openBrowser();
      try {
        const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
        await page.goto(pathToFileURL(join(to, "curves.html")).href);
        const image = page.locator(".jp-OutputArea-output img");
        const [box, dots] = [
          await image.boundingBox(),
          await image.evaluate((node) => {
            const { naturalWidth, naturalHeight } = node as unknown as Record<string, number>;
            return [naturalWidth, naturalHeight];
          }),
        ];
        const own = [Number(figure.layout.width), Number(figure.layout.height)];
        for (const [i, length] of [box?.width, box?.height].entries()) {
          assert.ok(Math.abs(Number(length) - own[i]) < 2, `${length} pixels instead of ${own[i]}`);
          assert.ok(Math.abs(dots[i] - 2 * own[i]) < 4, `${dots[i]} dots for ${own[i]} pixels`);
        }
      } finally {
        await browser.close();
      }
      const { extractText, getDocumentProxy } = await import("unpdf");
      const pdf = await getDocumentProxy(new Uint8Array(readFileSync(join(to, "curves.pdf"))));
      const { text } = await extractText(pdf, { mergePages: true });
      assert.match(text, /Rising & falling/);
      assert.match(text, /showFigure\(curves\);/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
