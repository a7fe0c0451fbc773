import assert from "node:assert/strict";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { asText } from "#lib/core/table";
import { openDataset } from "#lib/data/open";
import { makeGalaxy } from "#lib/data/simulator";
import { startEngine } from "#lib/engine/start";
import { loadModel } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { servePage } from "#lib/notebook/page-server";
import { predict } from "#lib/predict/network-predictor";
import { taskFromDescription } from "#lib/tasks/registry";
import { type Demo, galaxies, openDemo, ROOT } from "./demo-page";

const DEMO = join(ROOT, "demo");
const CASES = join(ROOT, "test", "fixtures", "cases", "data");

describe("the page in a browser", function () {
  this.timeout(120_000);
  let demo: Demo;
  before(async () => {
    demo = await openDemo();
  });
  after(() => demo.close());

  it("looks at a picture: crop by keys, map, PNG and JSON", async () => {
    const page = await demo.open(`${demo.address}?engine=wasm`, ".ranking");
    const cores = await page.evaluate<number>("navigator.hardwareConcurrency");
    const threads = Math.min(8, Math.max(2, Math.floor(cores / 2)), cores);
    const engine = `WASM, ${threads} thread${threads === 1 ? "" : "s"}`;
    assert.equal(await page.textContent("[data-testid=engine]"), engine);
    const paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
    const milliseconds = await page.evaluate<number>(paint);
    assert.ok(milliseconds < 1000, `first paint after ${milliseconds} ms`);
    const [picture] = await galaxies(1, 96);
    await page.setInputFiles('input[aria-label="A picture"]', picture);
    const crop = page.locator(".crop");
    const shows = (value: string) => page.waitForSelector(`[data-crop="${value}"]`);
    await shows("0,0,96");
    await crop.press("+");
    await shows("6,6,83");
    await crop.press("ArrowRight");
    await shows("10,6,83");
    const { x, y, width: side } = (await crop.boundingBox()) ?? assert.fail();
    await page.mouse.move(x + side / 2, y + side / 2);
    await page.mouse.down();
    await page.mouse.move(x + side / 2 + (3.9 * side) / 83, y + side / 2);
    await page.mouse.up();
    await shows("6,6,83");
    await page.mouse.wheel(0, 100);
    await shows("2,2,91");
    await crop.press("+");
    await shows("8,8,79");
    await page.waitForSelector('.overlay[style*="0.6"]', { state: "attached" });
    const save = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText(name).click(),
      ]);
      return readFileSync(await download.path());
    };
    const json = JSON.parse(String(await save("Save JSON")));
    assert.deepEqual(json.crop, { left: 8, top: 8, side: 79 });
    const shares = Object.values<number>(json.answers);
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-6);
    const { width, height } = await sharp(await save("Save PNG")).metadata();
    assert.equal(width, 2 * height);

    await page.setInputFiles(
      'input[aria-label="A picture"]',
      join(CASES, "mef_empty_primary.fits"),
    );
    await page.getByText("Stretch (Lupton)").waitFor();
    const drawn = () => page.evaluate<string>("document.querySelector('.crop canvas').toDataURL()");
    const usual = await drawn();
    await page.getByRole("slider", { name: "Width" }).fill("3");
    for (let i = 0; (await drawn()) === usual; i++) {
      assert.ok(i < 100, "the stretch changes nothing");
      await page.waitForTimeout(50);
    }
    for (const [event, key, size] of [
      ["DragEvent('drop'", "dataTransfer", 80],
      ["ClipboardEvent('paste'", "clipboardData", 72],
    ] as const) {
      const [{ buffer }] = await galaxies(1, size);
      await page.evaluate(`(() => {
        const bytes = Uint8Array.from(atob("${buffer.toString("base64")}"), (c) => c.charCodeAt(0));
        const ${key} = new DataTransfer();
        ${key}.items.add(new File([bytes], "given.png", { type: "image/png" }));
        document.body.dispatchEvent(new ${event}, { ${key}, bubbles: true, cancelable: true }));
      })()`);
      await shows(`0,0,${size}`);
    }
    await page.context().close();
  });

  it("answers what is no picture with a sentence, and lives on", async () => {
    const page = await demo.open(`${demo.address}?engine=wasm`, ".ranking");
    const [picture] = await galaxies(1, 64);
    const fits = readFileSync(join(CASES, "mef_empty_primary.fits"));
    // Larger than what playwright sends at once: from a file.
    const tiff = join(demo.folder, "large.tiff");
    writeFileSync(tiff, "II*\0");
    truncateSync(tiff, 200 * 2 ** 20);
    const raw = { width: 1, height: 1, channels: 3 } as const;
    const dot = await sharp(Buffer.alloc(3), { raw }).png().toBuffer();
    const bad: [name: string, file: Buffer | string, sentence: RegExp][] = [
      ["notes.txt", Buffer.from("no galaxy"), /notes\.txt is no picture that can be read/],
      ["large.tiff", tiff, /large\.tiff is a TIFF image, which is not read here/],
      ["dot.png", dot, /dot\.png has 1 × 1 pixels, too few/],
      ["short.fits", fits.subarray(0, fits.length - 5000), /short\.fits.*truncated/],
      ["cut.png", picture.buffer.subarray(0, 60), /cut\.png is no picture/],
      ["empty.jpg", Buffer.alloc(0), /empty\.jpg is no picture/],
    ];
    for (const [name, file, sentence] of bad) {
      const mimeType = "application/octet-stream";
      const given = typeof file === "string" ? file : { name, mimeType, buffer: file };
      await page.setInputFiles('input[aria-label="A picture"]', given);
      await page.locator(".problem", { hasText: name }).waitFor({ timeout: 10_000 });
      assert.match((await page.textContent(".problem")) ?? "", sentence);
    }
    const frames = (await galaxies(2, 64)).map(({ buffer }) => buffer);
    const good: [name: string, buffer: Buffer][] = [
      ["cmyk.jpg", await sharp(picture.buffer).toColourspace("cmyk").jpeg().toBuffer()],
      ["deep.png", await sharp(picture.buffer).toColourspace("rgb16").png().toBuffer()],
      ["gray.gif", await sharp(picture.buffer).gif().toBuffer()],
      [
        "moving.gif",
        await sharp(frames, { join: { animated: true } })
          .gif()
          .toBuffer(),
      ],
    ];
    for (const [name, buffer] of good) {
      const mimeType = "application/octet-stream";
      await page.setInputFiles('input[aria-label="A picture"]', { name, mimeType, buffer });
      await page.waitForSelector('[data-crop="0,0,64"]');
      await page.locator(".problem").waitFor({ state: "detached" });
    }
    await page.context().close();
  });

  it("refuses weights that are damaged or break off", async () => {
    const own = join(DEMO, "public", "model");
    const shard = readFileSync(join(own, "weights-1.bin"));
    assert.ok(shard.length < 3e6, `the network that ships has ${shard.length} bytes`);
    const at = join(demo.folder, "damaged");
    mkdirSync(at);
    writeFileSync(join(at, "model.json"), readFileSync(join(own, "model.json")));
    for (const bytes of [shard.subarray(0, 1000), Buffer.alloc(shard.length)]) {
      writeFileSync(join(at, "weights-1.bin"), bytes);
      const page = await demo.open(`${demo.models}?engine=wasm&model=model/damaged/`, ".problem");
      const text = (await page.textContent(".problem")) ?? "";
      assert.match(text, /weights-1\.bin is damaged.*checksum/);
      await page.context().close();
    }
  });

  it("makes a galaxy as the sliders say, and the answer changes with it", async () => {
    const page = await demo.open(`${demo.address}?engine=wasm#make`, ".ranking");
    const answer = () => page.locator("section[aria-live] h2").textContent();
    const seen = new Set([await answer()]);
    for (const [label, value] of [
      ["Inclination", "90"],
      ["Bulge", "100"],
    ]) {
      const before = await answer();
      await page.getByRole("slider", { name: label }).fill(value);
      const heading = page.locator("section[aria-live] h2");
      await heading.filter({ hasNotText: before ?? "" }).waitFor();
      seen.add(await answer());
    }
    assert.equal(seen.size, 3, [...seen].join(", "));
    await page.context().close();
  });

  it("learns a question from labels, undoes, survives a reload; its files are read by the library", async () => {
    const page = await demo.open(
      `${demo.address}?engine=wasm#teach`,
      'input[aria-label="Pictures"]',
    );
    // Round or edge-on: what the network can tell apart.
    const wanted: { name: string; mimeType: string; buffer: Buffer }[] = [];
    for (let i = 0; wanted.length < 16; i++) {
      const { image, truth } = makeGalaxy(5, i, 64);
      if (truth.label !== 2 && truth.label < 8) continue;
      const raw = { width: 64, height: 64, channels: 3 } as const;
      const buffer = await sharp(image, { raw }).png().toBuffer();
      const name = `${truth.label === 2 ? "round" : "edge"}-${i}.png`;
      wanted.push({ name, mimeType: "image/png", buffer });
    }
    await page.getByLabel("Answers").fill("round, edge");
    await page.getByLabel("Answers").press("Enter");
    await page.setInputFiles('input[aria-label="Pictures"]', wanted);
    await page.getByText("0 of 16 labeled").waitFor();
    const names = () => page.locator("[data-picture]").getAttribute("data-picture");
    for (let done = 0; done < 12; done++) {
      await page.getByText(`${done} of 16 labeled`).waitFor();
      await page.locator("[data-ready]").waitFor();
      await page.keyboard.press((await names())?.startsWith("round") ? "1" : "2");
    }
    await page.getByText("12 of 16 labeled").waitFor();
    await page.getByText(/right in five-fold/).waitFor();
    const accuracy = Number.parseInt((await page.textContent("[data-testid=accuracy]")) ?? "", 10);
    assert.ok(accuracy >= 75, `${accuracy} %`);
    await page.keyboard.press("u");
    await page.getByText("11 of 16 labeled").waitFor();
    await page.locator("[data-ready]").waitFor();
    const shown = await names();
    await page.keyboard.press("s");
    await page.waitForSelector(`[data-picture]:not([data-picture="${shown}"])`);
    await page.keyboard.press("u");
    await page.waitForSelector(`[data-picture="${shown}"]`);
    await page.locator("fieldset input").first().fill("Is it round?");
    await page.locator("fieldset input").first().press("Enter");
    await page.getByRole("heading", { name: "Is it round?" }).waitFor();
    await page.getByRole("button", { name: "undo" }).click();
    await page.getByRole("heading", { name: "Is it a spiral galaxy?" }).waitFor();
    page.on("dialog", (dialog) => dialog.accept());
    await page.getByText("Forget all").click();
    await page.getByText("0 of 0 labeled").waitFor();
    await page.keyboard.press("u");
    // At once: what was taken back is kept all the same.
    await page.reload();
    await page.getByText("11 of 16 labeled").waitFor();

    const saved = async (button: string, file: string) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText(button).click(),
      ]);
      writeFileSync(join(taught, file), readFileSync(await download.path()));
      return join(taught, file);
    };
    const taught = join(demo.folder, "taught");
    mkdirSync(taught);
    for (const { name, buffer } of wanted) writeFileSync(join(taught, name), buffer);
    await page.getByText(/right in five-fold/).waitFor();
    const labels = await openDataset(await saved("Save labels.csv", "labels.csv"));
    assert.equal(labels.size, 11);
    assert.deepEqual(labels.classNames, ["edge", "round"]);
    await page.keyboard.press("u");
    await page.getByText("10 of 16 labeled").waitFor();
    await page.setInputFiles('input[accept=".csv"]', join(taught, "labels.csv"));
    await page.getByText("11 of 16 labeled").waitFor();
    const weights = await saved("Save weights", "taught.safetensors");

    const other = await page.context().newPage();
    await other.goto(`${demo.address}?engine=wasm#teach`);
    await other.getByText(/another tab labels already/).waitFor();
    await other.close();

    // Another person opens the head: it guesses before anything is labeled.
    await page.getByText("Forget all").click();
    await page.getByText("0 of 0 labeled").waitFor();
    const head = 'input[accept=".safetensors"]';
    await page.setInputFiles(head, { name: "x", mimeType: "", buffer: Buffer.from("no weights") });
    await page.getByText(/x is no sound safetensors file/).waitFor();
    await page.setInputFiles(head, weights);
    await page.setInputFiles('input[aria-label="Pictures"]', wanted.slice(0, 2));
    await page.getByText("A head that was opened.").waitFor();
    assert.equal(await page.getByLabel("Answers").first().inputValue(), "round, edge");
    const guess = page.locator(".ranking .name").first();
    const said = async () => `${await names()}`.split("-")[0] === (await guess.textContent());
    for (let i = 0; !(await said()); i++) {
      assert.ok(i < 100, `${await names()}: ${await guess.textContent()}`);
      await page.waitForTimeout(50);
    }
    await page.context().close();

    await startEngine();
    const { model, description } = loadModel(weights);
    assert.deepEqual(description.task?.outputs, ["round", "edge"]);
    const { task: asked = assert.fail() } = description;
    const task = taskFromDescription(asked);
    const answers = task.answers(await predict(model, task, labels));
    model.dispose();
    const right = asText(labels.table.id).filter((id, row) =>
      id.startsWith(answers[2 * row] > 0.5 ? "round" : "edge"),
    );
    assert.ok(right.length >= 10, `${right.length} of 11`);
  });

  it("fits three widths in two themes, and axe finds nothing serious", async () => {
    const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    const screens = join(ROOT, ".tuning-fork", "demo-screens");
    mkdirSync(screens, { recursive: true });
    for (const width of [390, 800, 1280]) {
      const page = await demo.open(`${demo.address}?engine=wasm`, ".ranking", width);
      await page.evaluate(axe);
      for (const theme of ["dark", "light"]) {
        await page.getByLabel(`Change to the ${theme} theme`).click();
        for (const room of ["look", "make", "teach", "batch"]) {
          await page.click(`nav a[href="#${room}"]`);
          await page.waitForSelector(`nav a[href="#${room}"][aria-current]`);
          if (room === "look" || room === "make") await page.waitForSelector(".ranking");
          const wide = await page.evaluate<number>("document.documentElement.scrollWidth");
          assert.ok(wide <= width, `${room} is ${wide} wide on ${width}`);
          const outside = await page.evaluate<
            string[]
          >(`[...document.querySelectorAll("section")].flatMap(
            (section) => [...section.querySelectorAll("button, input, select, ol")].filter(
              (part) => part.getBoundingClientRect().right > section.getBoundingClientRect().right,
            ).map(({ outerHTML }) => outerHTML))`);
          assert.deepEqual(outside, [], `${room}, ${width}`);
          await page.screenshot({ path: join(screens, `${room}-${width}-${theme}.png`) });
          // It reads the page's structure and colors, which widths do not change.
          if (width < 1280) continue;
          const found = await page.evaluate<
            { id: string; impact: string; nodes: { html: string }[] }[]
          >(`axe.run().then(({ violations }) => violations)`);
          const serious = found.filter(
            ({ impact }) => impact === "serious" || impact === "critical",
          );
          const list = serious.map(({ id, nodes }) => `${room}: ${id} ${nodes[0].html}`);
          assert.deepEqual(list, []);
        }
      }
      await page.context().close();
    }
  });

  it("draws votes question by question, as the task describes them", async () => {
    await startEngine();
    const questions = [
      { name: "disk", answers: ["disk_yes", "disk_no"] },
      { name: "arms", answers: ["arms_1", "arms_2", "arms_more"], after: ["disk_yes"] },
    ];
    const strengths = questions.map(({ name }) => `${name}_strength`);
    const outputs = [...questions.flatMap(({ answers }) => answers), ...strengths];
    const task = { task: "votes", loss: "dirichletMultinomial", outputs, details: { questions } };
    const model = createModel("test_custom_cnn", { numClasses: 5 });
    writeWebModel(model, join(demo.folder, "votes"), { task });
    model.dispose();
    const page = await demo.open(`${demo.models}?engine=wasm&model=model/votes/`, ".ranking");
    const shown = await page.locator(".ranking").allTextContents();
    assert.equal(shown.length, 2);
    for (const [q, text] of shown.entries()) {
      for (const answer of questions[q].answers) assert.ok(text.includes(answer), text);
      const own = page.locator(".ranking").nth(q).locator(".share");
      const shares = (await own.allTextContents()).map((share) => Number.parseFloat(share));
      assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 100) < 0.3, text);
      for (const interval of await page.locator(".ranking small").allTextContents()) {
        const [low, high] = interval.split("–").map(Number);
        assert.ok(0 <= low && low < high && high <= 100, interval);
      }
    }
    assert.equal(await page.locator(".ranking small").count(), 5);
    await page.context().close();
  });

  it("says what is unlike the galaxies that it knows", async () => {
    const page = await demo.open(`${demo.address}?engine=wasm`, ".ranking");
    const strange = page.locator(".strange");
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    const raw = { width: 64, height: 64, channels: 3 } as const;
    const buffer = await sharp(noise, { raw }).png().toBuffer();
    const show = (name: string, picture: Buffer) =>
      page.setInputFiles('input[aria-label="A picture"]', {
        ...{ name, mimeType: "image/png", buffer: picture },
      });
    await show("noise.png", buffer);
    await strange.waitFor();
    const [galaxy] = await galaxies(1, 64);
    await show(galaxy.name, galaxy.buffer);
    await strange.waitFor({ state: "detached" });
    await page.context().close();
  });

  it("sets two networks side by side, and offers the pictures of a notebook", async () => {
    await startEngine();
    const outputs = ["round", "edge"];
    const task = { task: "classification", loss: "crossEntropy", outputs };
    const model = createModel("test_vit", { numClasses: 2 });
    writeWebModel(model, join(demo.folder, "other"), { task });
    model.dispose();
    const pictures = await galaxies(3, 64);
    const served = await servePage(join(DEMO, "dist"), {
      folders: { compare: join(demo.folder, "other") },
      pictures: {
        ids: ["a", "b", "c"],
        png: async (index) => pictures[index].buffer,
      },
      port: 0,
    });
    const asked = "?engine=wasm&compare=compare/&pictures=pictures/";
    const page = await demo.open(served.address + asked, ".ranking");
    const second = page.getByLabel("What network 2 says");
    await second.locator(".ranking").waitFor();
    assert.deepEqual((await second.locator(".name").allTextContents()).sort(), ["edge", "round"]);
    await page.waitForSelector('.overlay[style*="0.6"]', { state: "attached" });
    // The map is that of the network whose answer was pressed last.
    const overlay = () => page.evaluate("document.querySelector('.overlay').toDataURL()");
    const before = await overlay();
    await second.locator("button").last().click();
    for (let i = 0; (await overlay()) === before; i++) {
      assert.ok(i < 100, "the map stays");
      await page.waitForTimeout(50);
    }
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByText("Save JSON").click(),
    ]);
    const { answers, others } = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.equal(Object.keys(answers).length, 10);
    assert.deepEqual(Object.keys(others[0].answers).sort(), ["edge", "round"]);

    await page.click('nav a[href="#batch"]');
    await page.getByText("Open the notebook's 3").click();
    await page.getByText("3 pictures.").waitFor();
    await page.context().close();
    const status = async (path: string) => (await fetch(served.address + path)).status;
    assert.deepEqual(
      await Promise.all(["2.png", "3.png", "-1.png", "x.png"].map((n) => status(`pictures/${n}`))),
      [200, 404, 404, 404],
    );
    await served.close();
  });

  it("works without a network after the first visit, and serves nothing beside the page", async () => {
    const page = await demo.open(`${demo.address}?engine=wasm`, ".ranking");
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
    await page.reload();
    await page.waitForSelector(".ranking");
    await page.context().setOffline(true);
    await page.reload();
    await page.waitForSelector(".ranking", { timeout: 15_000 });
    await page.context().close();
    const status = async (path: string, init = {}) =>
      (await fetch(demo.address + path, init)).status;
    assert.equal(await status("..%2fmodel.yaml"), 404);
    assert.equal(await status("assets/"), 404);
    assert.equal(await status("", { method: "POST" }), 405);
    const { headers } = await fetch(demo.address);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; /);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|https?:|\*/);
  });

  it("asks no other host, and has nothing to complain about", () => {
    assert.deepEqual(
      [...demo.hosts].filter((host) => host !== "" && !host.startsWith("127.0.0.1:")),
      [],
    );
    assert.deepEqual(demo.said, []);
  });
});
