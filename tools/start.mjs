/**
 * `npm start`: set up what is not, execute the quickstart, say what came out, serve JupyterLab.
 *
 * `npm start -- --no-lab` and CI=true stop before JupyterLab; `--engine cpu|cuda|wasm` chooses the
 * engine, `--port N` JupyterLab's port.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { choosePort, runInVenv, serveLab } from "../lib/setup/lab.mjs";
import { failWith } from "../lib/setup/set-up.mjs";
import { HERE, keyOf, StepError, step } from "../lib/setup/step.mjs";
import { inRepository, ROOT } from "./repository.mjs";
import { setUpRepository } from "./setup.mjs";

const QUICKSTART = inRepository("notebooks", "00-quickstart.ipynb");
const RUN = inRepository("results", "quickstart");
const executed = join(RUN, "00-quickstart.ipynb");

/** Execute the quickstart, unless this very notebook has been executed on these data. */
async function quickstart() {
  await step(ROOT, `${relative(ROOT, QUICKSTART)}, cell by cell`, {
    name: "quickstart",
    key: keyOf(
      { file: QUICKSTART },
      process.env.TUNING_FORK_DATA ?? "",
      process.env.TUNING_FORK_PROFILE ?? "",
    ),
    stands: () => existsSync(executed),
    run: async () => {
      mkdirSync(RUN, { recursive: true });
      const script = join(HERE, "python", "execute.py");
      const code = await runInVenv(ROOT, "python", [script, QUICKSTART, "--to", executed]);
      if (code === 130) process.exit(130);
      if (code !== 0)
        throw new StepError(
          "the quickstart notebook failed; the cell and its message stand above",
          "mend what it names, then run `npm start` again",
        );
    },
  });
}

function report() {
  const metrics = join(RUN, "metrics.json");
  if (existsSync(metrics)) {
    const { accuracy } = JSON.parse(readFileSync(metrics, "utf8"));
    console.log(`\nTest accuracy: ${accuracy.toFixed(3)}`);
  }
  console.log(`Figures (PDF, SVG, PNG): ${relative(ROOT, join(RUN, "figures"))}/`);
  console.log(`Executed notebook: ${relative(ROOT, executed)}\n`);
}

try {
  const { values } = parseArgs({
    options: {
      "no-lab": { type: "boolean" },
      engine: { type: "string" },
      port: { type: "string" },
    },
  });
  const lab = !values["no-lab"] && process.env.CI !== "true";
  const port = lab ? await choosePort(values.port) : undefined;
  await setUpRepository({ engine: values.engine });
  await quickstart();
  report();
  if (lab) process.exitCode = await serveLab(ROOT, port, { open: relative(ROOT, QUICKSTART) });
} catch (error) {
  failWith(error);
}
