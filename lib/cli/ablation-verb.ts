import { ablationColumns } from "../evaluate/ablation-table";
import { ablate } from "../notebook/ablate";
import { showTable } from "../notebook/tables";
import { settingOptions } from "./setting-options";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Run every row of an ablation and make its table",
  details:
    "Writes the runs' folders, ablation.csv and ablation.tex. Finished runs there are kept, an interrupted one goes on, one whose config has changed is made anew.",
  options: {
    config: {
      type: "text",
      value: "FILE",
      help: "YAML: an experiment and, under `ablation`, what each row changes about it.",
      required: "notebooks/configs/ablation.yaml",
    },
    out: {
      type: "text",
      value: "DIR",
      help: "Folder of the runs and the table.",
      required: "results/ablation",
    },
    ...settingOptions,
    json: { type: "flag", help: "The table for programs." },
  },
  async run({ config, out, profile, data, set, json }) {
    const table = await ablate(config, { out, profile, spec: data, set });
    if (json) say(JSON.stringify(table));
    else showTable(ablationColumns(table), { rows: Number.POSITIVE_INFINITY });
    // Some rows failed, and the table says why.
    return table.failures === undefined ? undefined : 1;
  },
});
