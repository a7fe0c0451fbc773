/**
 * `npm run demo:model`: makes the network that ships with the page again: simulated galaxies, training,
 * test, and the files for the page with a card that says what it is. About half an hour on two cores.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COUNT = 4000;
const work = join(ROOT, ".tuning-fork", "demo");
const run = join(work, "run");
const out = join(ROOT, "demo", "public", "model");

function tuningFork(...args) {
  const command = join(ROOT, "lib", "bin", "tuning-fork.js");
  const { status } = spawnSync(process.execPath, [command, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

const count = ["--count", String(COUNT), "--seed", "20"];
tuningFork("data", "make", "synthetic", ...count, "--folder", join(work, "data"));
const data = join(work, "data", "synthetic", "synthetic.h5");
const config = join(ROOT, "demo", "model.yaml");
tuningFork("train", "--config", config, "--data", data, "--out", run, "--resume");
rmSync(out, { recursive: true, force: true });
tuningFork("export", "--run", run, "--format", "web", "--half", "--out", out);

const m = JSON.parse(readFileSync(join(run, "metrics.json"), "utf8"));
const { temperature } = JSON.parse(readFileSync(join(out, "model.json"), "utf8"));
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const perClass = m.perClass.map(
  ({ name, precision, recall, support }) =>
    `| ${name} | ${percent(precision)} | ${percent(recall)} | ${support} |`,
);
writeFileSync(
  join(out, "README.md"),
  `# The network that ships with the page

A small residual network (\`custom_cnn\`, ${m.parameters.toLocaleString("en")} parameters, float16) for pictures of
64 × 64 pixels. It tells the ten classes of Galaxy10 DECaLS apart **in simulated galaxies alone**: it has
never seen a real one, and what it says of a real one is no measurement. Use a run of your own for that:
\`npx tuning-fork demo --run RUN\`.

- **Learned from** ${COUNT.toLocaleString("en")} galaxies of the project's simulator (\`data make synthetic --count ${COUNT} --seed 20\`),
  64 % of them for training, 16 % to choose the epoch, the rest for the test; settings in \`demo/model.yaml\`.
- **Tested on** ${m.rows} other galaxies of the same simulator: accuracy ${percent(m.accuracy)}, balanced accuracy
  ${percent(m.balancedAccuracy)}, both before calibration; epoch ${m.bestEpoch}. Such galaxies are easier than the sky.
- **Probabilities** are calibrated by one temperature, ${temperature?.toFixed(3)}, fitted on the validation split.
- **What is no galaxy** it tells by its last layer: a picture farther from the middle of the validation galaxies
  than 99 % of them is said to be unlike what it knows. Of real galaxies that is every second one.
- **Made again** by \`npm run demo:model\`.

| class | precision | recall | test galaxies |
|---|---|---|---|
${perClass.join("\n")}
`,
);
console.log(`${out}: accuracy ${percent(m.accuracy)}`);
