/**
 * The page's network beside onnxruntime-web, both WebAssembly with threads in one browser, as lines of Markdown:
 *
 *     node tools/bench/web.mjs FOLDER NAME…
 *
 * FOLDER has what `web_export.py` wrote of each NAME, and `node_modules/onnxruntime-web` (`npm install --prefix FOLDER
 * onnxruntime-web`). The page must be built (`npm run build:demo`). Its time holds everything from bytes to
 * probabilities, the other's the graph alone; both take turns, after rounds that are not counted.
 */
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { median } from "#lib/cli/bench-process";
import { startEngine } from "#lib/engine/start";
import { loadWeights } from "#lib/models/model-file";
import { createModel } from "#lib/models/registry";
import { writeWebModel } from "#lib/models/web-format";
import { servePage } from "#lib/notebook/page-server";
import { findBrowser } from "#lib/plots/browser";

const [given, ...names] = process.argv.slice(2);
const folder = resolve(given);
const dist = fileURLToPath(new URL("../../demo/dist", import.meta.url));
const SIZE = 224;
const ROUNDS = 9;

await startEngine();
const outputs = Array.from({ length: 10 }, (_, i) => `class ${i}`);
const task = { task: "classification", loss: "crossEntropy", outputs };
const ort = join(folder, "node_modules", "onnxruntime-web", "dist");
mkdirSync(join(folder, "ort"), { recursive: true });
copyFileSync(join(ort, "ort.wasm.bundle.min.mjs"), join(folder, "ort", "ort.js"));
copyFileSync(join(ort, "ort-wasm-simd-threaded.wasm"), join(folder, "ort", "ort.wasm"));
const descriptions = {};
for (const name of names) {
  const model = createModel(name, { numClasses: outputs.length, inputSize: [SIZE, SIZE] });
  loadWeights(model, join(folder, `${name}.safetensors`));
  const { description } = writeWebModel(model, join(folder, name), { task });
  descriptions[name] = description;
  model.dispose();
}

const served = await servePage(dist, { folders: { bench: folder }, port: 0 });
const worker = readdirSync(join(dist, "assets")).find((file) =>
  /^network-worker-.*\.js$/.test(file),
);
const { path, args } = await findBrowser();
const browser = await chromium.launch({ executablePath: path, args: [...args] });
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  await page.goto(`${served.address}icon.svg`);
  const cores = await page.evaluate("navigator.hardwareConcurrency");
  console.log(`Chromium ${browser.version()}, ${cores} cores\n`);
  console.log(
    "| model | the page, ms | onnxruntime-web | ratio | largest difference of a probability |",
  );
  console.log("| --- | --- | --- | --- | --- |");
  for (const name of names) {
    const { preprocessing } = descriptions[name];
    const { ours, theirs, difference } = await page.evaluate(compare, {
      ...{ name, preprocessing, worker, size: SIZE, rounds: ROUNDS },
    });
    const [here, there] = [ours, theirs].map((times) => median(times));
    const numbers = [
      here.toFixed(0),
      there.toFixed(0),
      (there / here).toFixed(2),
      difference.toExponential(0),
    ];
    console.log(`| ${[name, ...numbers].join(" | ")} |`);
  }
} finally {
  await browser.close();
  await served.close();
}

/** Runs in the browser: times of both, milliseconds, and how far their answers are apart. */
async function compare({ name, preprocessing, worker, size, rounds }) {
  const network = new Worker(`/assets/${worker}`, { type: "module" });
  let id = 0;
  const ask = (call, ...args) =>
    new Promise((resolve, reject) => {
      const own = ++id;
      network.addEventListener("message", function hear({ data }) {
        if (data.id !== own) return;
        network.removeEventListener("message", hear);
        if ("value" in data) resolve(data.value);
        else reject(new Error(`${data.problem}: ${data.remedy}`));
      });
      network.postMessage({ id: own, name: call, args });
    });
  await ask("start", "wasm");
  await ask("load", new URL(`/bench/${name}/`, location.href).href);
  const pixels = Uint8Array.from(
    { length: size * size * 3 },
    (_, i) => 128 + 100 * Math.sin(i / 997) + (i % 3) * 9,
  );

  const ort = await import("/bench/ort/ort.js");
  ort.env.wasm.numThreads = navigator.hardwareConcurrency;
  ort.env.wasm.wasmPaths = { wasm: new URL("/bench/ort/ort.wasm", location.href).href };
  const session = await ort.InferenceSession.create(`/bench/${name}.onnx`, {
    graphOptimizationLevel: "all",
  });
  const { mean, std } = preprocessing;
  const values = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    values[channel * size * size + pixel] = (pixels[i] / 255 - mean[channel]) / std[channel];
  }
  const x = new ort.Tensor("float32", values, [1, 3, size, size]);

  const rest = () => new Promise((done) => setTimeout(done, 250));
  const [ours, theirs] = [[], []];
  let difference;
  for (let round = -3; round < rounds; round++) {
    // Their threads wait awake for a while after each answer, and would take the other's time.
    await rest();
    let from = performance.now();
    const { answers } = await ask("answer", [{ pixels, size: [size, size] }]);
    const own = performance.now() - from;
    await rest();
    from = performance.now();
    const { y } = await session.run({ x });
    const other = performance.now() - from;
    const logits = [...y.data];
    const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0);
    difference = Math.max(
      ...logits.map((logit, i) => Math.abs(Math.exp(logit) / sum - answers[i])),
    );
    if (round < 0) continue;
    ours.push(own);
    theirs.push(other);
  }
  network.terminate();
  await session.release();
  return { ours, theirs, difference };
}
