import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { projectFolder } from "../io/paths";
import { untilInterrupted } from "../notebook/interrupt";
import { RunFolder } from "../train/run-folder";
import { servePage } from "./demo-server";
import { exportWeb } from "./export-web";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "The page in the browser: what a network says of a galaxy",
  details:
    "Builds the page and serves it to this machine alone, until Ctrl-C. Nothing leaves the browser.",
  options: {
    run: {
      type: "text",
      value: "RUN",
      help: "A run's folder, whose network the page asks. Default: the small one that comes along.",
    },
    port: {
      type: "integer",
      value: "N",
      help: "Where it listens; 0: any port that is free.",
      default: 8787,
      least: 0,
    },
  },
  async run({ run, port }) {
    const folder = join(projectFolder(), "demo");
    const vite = join(projectFolder(), "node_modules", "vite", "bin", "vite.js");
    if (!existsSync(folder) || !existsSync(vite)) {
      throw new UserError(
        `${projectFolder()} does not hold the page's sources`,
        "run this in a clone of the project, after `npm install`",
      );
    }
    const model = run === undefined ? undefined : mkdtempSync(join(tmpdir(), "tuning-fork-demo-"));
    try {
      if (run !== undefined && model !== undefined)
        await exportWeb(new RunFolder(run), model, false);
      const built = spawnSync(process.execPath, [vite, "build", folder, "--logLevel", "error"], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      if (built.status !== 0) throw new UserError("the page was not built", "see the lines above");
      const page = await servePage(join(folder, "dist"), { model, port });
      say(`${page.address}  (Ctrl-C ends it)`);
      try {
        await untilInterrupted(
          (signal) => new Promise<void>((done) => signal.addEventListener("abort", () => done())),
        );
      } finally {
        await page.close();
      }
    } finally {
      if (model !== undefined) rmSync(model, { recursive: true, force: true });
    }
    return undefined;
  },
});
