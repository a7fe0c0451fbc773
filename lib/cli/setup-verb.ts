import { projectFolder } from "../io/paths";
import { withUserErrors } from "./step-error";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Make this folder ready: engine, JupyterLab, the TypeScript kernel",
  details:
    "All of it goes into .venv and .tuning-fork of the folder in which tuning-fork is installed. What stands is skipped; a set-up that was ended goes on where it stopped.",
  options: {
    engine: {
      type: "choice",
      choices: ["cpu", "cuda", "wasm"],
      help: "Which engine. Default: the one before, else cuda where there is an NVIDIA GPU, else cpu.",
    },
    force: { type: "flag", help: "Every step again." },
    "kernel-user": {
      type: "flag",
      help: "Offer the kernel to every Jupyter of this user, and to VS Code.",
    },
  },
  async run({ engine, force, "kernel-user": kernelUser }) {
    const { beginSetUp, setUp } = await import("#setup/set-up.mjs");
    await withUserErrors(async () => {
      beginSetUp(projectFolder(), { force });
      await setUp(projectFolder(), { engine, kernelUser });
    });
    say(`Set up in ${projectFolder()}. \`npx tuning-fork lab\` starts JupyterLab.`);
    return undefined;
  },
});
