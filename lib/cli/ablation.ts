import { ablationColumns } from "../evaluate/ablation";
import { ablate } from "../notebook/ablation";
import { showTable } from "../notebook/tables";
import { requiredOption, textOption, type Verb } from "./verb";

export const verb: Verb = {
  summary: "Run every row of an ablation and make its table",
  usage: `--config FILE --out DIR [--profile quick|paper] [--data SPEC] [--set key=value …] [--json]

  --config FILE   YAML: an experiment and, under \`ablation\`, what each row changes about it
  --out DIR       the runs' folders, ablation.csv and ablation.tex; finished runs there are kept,
                  an interrupted one goes on, one whose config has changed is made anew
  --data SPEC     in the place of the file's
  --set k=v       any key of the file, such as --set train.epochs=5`,
  options: {
    config: { type: "string" },
    out: { type: "string" },
    profile: { type: "string" },
    data: { type: "string" },
    set: { type: "string", multiple: true },
    json: { type: "boolean" },
  },
  async run(args) {
    const config = requiredOption(args, "config", "notebooks/configs/ablation.yaml");
    const out = requiredOption(args, "out", "results/ablation");
    const table = await ablate(config, {
      out,
      profile: textOption(args, "profile"),
      spec: textOption(args, "data"),
      set: Array.isArray(args.values.set) ? args.values.set : [],
    });
    if (args.values.json) console.log(JSON.stringify(table));
    else showTable(ablationColumns(table), { rows: table.rows.length });
    return undefined;
  },
};
