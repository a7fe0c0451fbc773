import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { openDataset } from "#lib/data/open";
import { parseWebManifest } from "#lib/models/web-model";
import { type OpenPage, showPage } from "#lib/notebook/page";
import { openExperiment } from "#lib/train/open-experiment";
import { temporaryFolder, writeClasses } from "../train/support";
import { type Bundle, closeCell, openCell } from "./open-cell";

describe("the page beside a notebook", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const run = join(folder.path, "run");
  let shown: Bundle[];
  let page: OpenPage;

  before(async () => {
    shown = openCell();
    await writeClasses(join(folder.path, "images"), { faint: 60, bright: 60 });
    const experiment = openExperiment(
      {
        data: { spec: join(folder.path, "images"), size: 32, split: [0.5, 0.3, 0.2] },
        model: { name: "test_custom_cnn" },
        train: { epochs: 1, batchSize: 16, log: { tensorboard: false } },
      },
      { run },
    );
    await experiment.train();
    await experiment.dispose();
  });
  after(async () => {
    // What a test that fails leaves open would keep the process alive.
    await page?.close();
    closeCell();
    folder.remove();
  });

  it("asks the run's network and another, and offers whole pictures of the data", async () => {
    const dataset = await openDataset(join(folder.path, "images"), { size: 16, crop: 20 });
    shown.length = 0;
    page = await showPage({ run, compare: run, dataset });
    const { address } = page;
    const [{ "text/html": html }] = shown;
    assert.ok(String(html).includes(address.replaceAll("&", "&#38;")), String(html));
    assert.match(address, /\?compare=compare%2F&pictures=pictures%2F$/);
    const ask = async (path: string) => fetch(new URL(path, address));
    for (const name of ["model", "compare"]) {
      const { description, familiarity } = parseWebManifest(
        await (await ask(`${name}/model.json`)).text(),
      );
      assert.deepEqual(description.task?.outputs, ["bright", "faint"]);
      assert.equal(familiarity?.mean.length, familiarity?.deviation.length);
      assert.ok((familiarity?.limit ?? 0) > 0);
    }
    const ids = (await (await ask("pictures/index.json")).json()) as string[];
    assert.equal(ids.length, 120);
    const png = Buffer.from(await (await ask("pictures/3.png")).arrayBuffer());
    const { width, height } = await sharp(png).metadata();
    assert.deepEqual([width, height], [32, 32]);

    // Shown again, the first one has gone.
    page = await showPage();
    await assert.rejects(ask("index.html"));
    assert.equal((await fetch(page.address)).status, 200);
    await dataset.close();
  });
});
