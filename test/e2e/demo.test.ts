import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { type ServedPage, servePage } from "#lib/cli/demo-server";
import { openDataset } from "#lib/data/open";
import { makeGalaxy } from "#lib/data/simulator";
import { startEngine } from "#lib/engine/start";
import { parsePredictions } from "#lib/evaluate/predictions-csv";
import { loadWeights } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { openBrowser } from "#lib/plots/browser";
import { predict } from "#lib/predict/network-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import { temporaryFolder } from "../train/support";

const ROOT = join(__dirname, "../..");
const DEMO = join(ROOT, "demo");
const FIXTURES = join(ROOT, "test", "fixtures", "models");
const references: Readonly<Record<string, { size: number }>> = JSON.parse(
  readFileSync(join(FIXTURES, "references.json"), "utf8"),
);

/** One of each kind of layer; their weights are those that the models' own tests read. */
const FAMILIES = [
  "custom_cnn",
  "resnet18",
  "vgg",
  "vit",
  "linformer",
  "cvt",
  "efficientnet",
].concat(["convnext", "swinv2", "regnet", "dinov2"]);

describe("the page in a browser", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const said: string[] = [];
  const hosts = new Set<string>();
  let command: ChildProcess;
  let address: string;
  let models: ServedPage;
  let browser: Browser;

  before(async () => {
    command = spawn(
      process.execPath,
      [join(ROOT, "lib", "bin", "tuning-fork.js"), "demo", "--port", "0"],
      { stdio: ["ignore", "pipe", "inherit"], cwd: ROOT },
    );
    [address, browser] = await Promise.all([
      new Promise<string>((found, lost) => {
        command.stdout?.on("data", (text) => {
          const at = /http:\S+/.exec(String(text));
          if (at) found(at[0]);
        });
        command.once("exit", (code) => lost(new Error(`demo ended with ${code}`)));
      }),
      openBrowser(),
    ]);
    models = await servePage(join(DEMO, "dist"), { model: folder.path, port: 0 });
  });
  after(async () => {
    const ended = new Promise((done) => command.once("exit", done));
    command.kill("SIGINT");
    assert.equal(await ended, 0);
    await Promise.all([models.close(), browser.close()]);
    folder.remove();
  });

  async function open(url: string, ready: string, width = 1280): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    page.on("console", (m) => m.type() === "error" && said.push(m.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(url);
    await page.waitForSelector(ready, { state: "attached", timeout: 15_000 });
    return page;
  }
  /** Pictures of the simulator as files. */
  async function galaxies(count: number, size: number) {
    return Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const { image } = makeGalaxy(3, i, size);
        const raw = { width: size, height: size, channels: 3 } as const;
        const buffer = await sharp(image, { raw }).png().toBuffer();
        return { name: `g${String(i).padStart(2, "0")}.png`, mimeType: "image/png", buffer };
      }),
    );
  }

  for (const family of FAMILIES) {
    it(`says what Node says of 50 pictures: ${family}`, async () => {
      await startEngine();
      const name = `test_${family}`;
      const weights = join(FIXTURES, name, "weights.safetensors");
      const { size } = references[name];
      const outputs = ["a", "b", "c", "d", "e"];
      const description = { task: "classification", loss: "crossEntropy", outputs };
      const model = createModel(name, { numClasses: 5, inputSize: [size, size] });
      loadWeights(model, weights);
      writeWebModel(model, join(folder.path, name), { task: description });
      const pictures = await galaxies(50, size);
      const pngs = join(folder.path, `${name}-pictures`);
      mkdirSync(pngs);
      for (const { name: file, buffer } of pictures) writeFileSync(join(pngs, file), buffer);
      const dataset = await openDataset(pngs, { size });
      const task = taskFromDescription(description);
      const here = await predict(model, task, dataset);
      model.dispose();

      const url = `${models.address}?engine=wasm&model=model/${name}/#batch`;
      const page = await open(url, 'input[aria-label="Pictures"]');
      await page.setInputFiles('input[aria-label="Pictures"]', pictures);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText("Save predictions.csv").click(),
      ]);
      const there = parsePredictions(readFileSync(await download.path(), "utf8"), "page");
      await page.context().close();
      assert.deepEqual(there.ids, here.ids);
      const p = task.answers(here);
      const differences = Array.from(p, (v, i) => Math.abs(v - (there.probabilities?.[i] ?? 9)));
      const largest = Math.max(...differences);
      assert.ok(largest < 1e-3, `${largest}`);
      // Answers that are all alike would say nothing.
      assert.ok(Math.max(...p) - Math.min(...p) > 0.05, `${Math.max(...p) - Math.min(...p)}`);
    });
  }

  it("asks no other host, and has nothing to complain about", () => {
    const own = [address, models.address].map((url) => new URL(url).host);
    assert.deepEqual(
      [...hosts].filter((host) => host !== "" && !own.includes(host)),
      [],
    );
    assert.deepEqual(said, []);
  });
});
