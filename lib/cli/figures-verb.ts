import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { printable } from "../core/printable";
import type { Table } from "../core/table";
import { showTable } from "../notebook/tables";
import { exportFigures, type FigureFormat } from "../plots/export-figures";
import { type JournalName, journalRegistry } from "../plots/journals";
import { type PreflightReport, preflightColumns } from "../plots/preflight";
import { runFigures } from "../plots/run-figures";
import { RunFolder } from "../train/run-folder";
import { readAnswers } from "../train/run-result";
import { defineVerb, say } from "./verb";

/** The history as far as it can be read; a tested run has more to draw, and lacks its curves aloud. */
function historyOf(run: RunFolder, tested: boolean): Table | undefined {
  try {
    if (tested && !existsSync(run.historyPath)) {
      throw new UserError(
        `${run.historyPath} is not there`,
        "train again: what is trained already is written anew",
      );
    }
    return run.readHistory();
  } catch (error) {
    if (!tested || !(error instanceof UserError)) throw error;
    console.warn(printable(`No training curves are drawn: ${error.message}`));
    return undefined;
  }
}

export const verb = defineVerb({
  summary: "Every figure of a run, from its folder alone",
  options: {
    run: { type: "text", value: "RUN", help: "A run's folder.", required: "results/quickstart" },
    out: { type: "text", value: "DIR", help: "Folder of the figures.", required: "figures" },
    format: {
      type: "text",
      value: "LIST",
      help: "Of pdf, svg, png and html, with commas.",
      default: "pdf,svg,png",
    },
    "width-mm": {
      type: "number",
      value: "N",
      help: "Width on paper, mm. Default: each figure's own.",
      least: 1,
    },
    journal: {
      type: "text",
      value: "NAME",
      help: `As wide as a column or the page of ${Object.keys(journalRegistry).join(", ")}, and checked against its limits.`,
    },
    preflight: {
      type: "flag",
      help: "Check width, lettering, lines, fonts, and colors in gray and for every eye; 1 where something is to be changed.",
    },
    dpi: { type: "number", value: "N", help: "Dots per inch of the PNG.", default: 300, least: 1 },
  },
  async run({ run: path, out, format, "width-mm": widthMm, dpi, journal, preflight }) {
    const run = new RunFolder(path);
    if (run.status === "absent") {
      throw new UserError(`${run.path} holds no run`, "give a folder that `train` has written");
    }
    // A run without a test split has its curves.
    const tested = existsSync(run.predictionsPath);
    const answers = tested ? await readAnswers(run) : undefined;
    const predictions = answers?.predictions;
    const figures = runFigures(
      {
        predictions,
        history: historyOf(run, tested),
        bestEpoch: run.status === "complete" ? run.readTraining().bestEpoch : undefined,
      },
      { figures: answers?.task.figures },
    );
    if (Object.keys(figures).length === 0) {
      throw new UserError(
        `${run.path} has neither history.csv nor predictions.csv`,
        "train at least one epoch first",
      );
    }
    const reports: PreflightReport[] = [];
    const files = await exportFigures(
      Object.fromEntries(
        Object.entries(figures).map(([name, figure]) => [join(out, name), figure]),
      ),
      {
        formats: format.split(",") as FigureFormat[],
        widthMm,
        dpi,
        journal: journal as JournalName | undefined,
        preflight: preflight ? (report) => reports.push(report) : undefined,
      },
    );
    say(files.join("\n"));
    if (preflight) showTable(preflightColumns(reports), { rows: Number.POSITIVE_INFINITY });
    const failed = reports.some(({ checks }) => checks.some(({ passed }) => !passed));
    return failed ? 1 : undefined;
  },
});
