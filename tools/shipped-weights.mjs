/**
 * `npm run weights`: makes the weights that ship with the library again: simulated galaxies, training, the file, and a card
 * that says what it is. About twenty minutes on two cores with bfloat16.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { presets } from "#lib/train/presets";
import { inRepository } from "./repository.mjs";

const NAME = presets.simulated.model.name;
const COUNT = 24_000;
const SEED = 2026;
// A project of its own, with this one's engine: its galaxies are not those of the notebooks.
const work = inRepository(".tuning-fork", "weights");
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
symlinkSync("..", join(work, ".tuning-fork"));

function tuningFork(line) {
  const command = [inRepository("lib", "bin", "tuning-fork.js"), ...line.split(" ")];
  const { status } = spawnSync(process.execPath, command, { stdio: "inherit", cwd: work });
  if (status !== 0) process.exit(1);
}

const make = `data make synthetic --count ${COUNT} --size 96 --seed ${SEED}`;
const settings = "--set train.precision=mixed_bfloat16 --set train.seed=1";
tuningFork(make);
tuningFork(`train --config simulated --out results/simulated ${settings}`);
tuningFork("export --run results/simulated --out exported --half");
const out = inRepository("lib", "weights");
copyFileSync(join(work, "exported", "model.safetensors"), join(out, `${NAME}.safetensors`));

const m = JSON.parse(readFileSync(join(work, "results", "simulated", "metrics.json"), "utf8"));
writeFileSync(
  join(out, "README.md"),
  `# Weights that ship with the library

\`${NAME}.safetensors\` (${m.parameters.toLocaleString("en")} parameters, float16) is what \`model.weights: published\` gives a \`${NAME}\` to
start from. It answers a decision tree of questions **about simulated galaxies alone**: smooth or not, seen from the edge, arms, bar,
bulge, how round. It has never seen a real galaxy, and what it says of one is no measurement.

- **Learned from** ${COUNT.toLocaleString("en")} galaxies of the project's simulator, 96 pixels a side, less ${m.rows}
  (\`${make}\`), by the preset \`simulated\` with
  \`${settings}\`. The set that the notebooks test on has another seed.
- **Tested on** these ${m.rows}: vote fractions correlate with ${m.correlation.toFixed(3)}, the mean error is ${m.mae.toFixed(3)}.
- **What it is worth** on real galaxies: [results/few-labels.md](../../results/few-labels.md).
- **Made again** by \`npm run weights\`. Weights are the same to the bit on the same kind of processor only.
`,
);
// Its galaxies alone are 0.7 GB.
rmSync(work, { recursive: true });
console.log(`${out}: correlation ${m.correlation.toFixed(3)}`);
