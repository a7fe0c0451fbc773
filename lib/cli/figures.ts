import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { readPredictions } from "../evaluate/predictions-file";
import { exportFigures, type FigureFormat } from "../plots/export";
import { runFigures } from "../plots/run-figures";
import { RunFolder } from "../train/run-folder";
import { requiredOption, textOption, type Verb } from "./verb";

export const verb: Verb = {
  summary: "Every figure of a run, from its folder alone",
  usage: `--run RUN --out DIR [--format pdf,svg,png] [--width-mm 88] [--dpi 300]

  --run RUN        a run's folder
  --format LIST    of pdf, svg, png and html; default pdf,svg,png
  --width-mm N     width on paper; default each figure's own
  --dpi N          of the PNG; default 300`,
  options: {
    run: { type: "string" },
    out: { type: "string" },
    format: { type: "string" },
    "width-mm": { type: "string" },
    dpi: { type: "string" },
  },
  async run(args) {
    const run = new RunFolder(requiredOption(args, "run", "results/quickstart"));
    const out = requiredOption(args, "out", "figures");
    if (run.status === "absent") {
      throw new UserError(`${run.path} holds no run`, "give a folder that `train` has written");
    }
    // A run without a test split has its curves.
    const tested = existsSync(run.predictionsPath);
    const predictions = tested ? await readPredictions(run.predictionsPath) : undefined;
    const figures = runFigures({ predictions, history: run.readHistory() });
    if (Object.keys(figures).length === 0) {
      throw new UserError(
        `${run.path} has neither history.csv nor predictions.csv`,
        "train at least one epoch first",
      );
    }
    const width = textOption(args, "width-mm");
    const dpi = textOption(args, "dpi");
    const files = await exportFigures(
      Object.fromEntries(
        Object.entries(figures).map(([name, figure]) => [join(out, name), figure]),
      ),
      {
        formats: textOption(args, "format")?.split(",") as FigureFormat[] | undefined,
        widthMm: width === undefined ? undefined : Number(width),
        dpi: dpi === undefined ? undefined : Number(dpi),
      },
    );
    console.log(files.join("\n"));
    return undefined;
  },
};
