import { join } from "node:path";
import { UserError } from "../core/errors";
import { exportFolders } from "../data/export";
import { labelsOf } from "../data/labels";
import { openDataset } from "../data/open";
import { datasets } from "../data/registry";
import { makeSynthetic } from "../data/synthetic";
import { dataFolder } from "../io/paths";
import { progress } from "../notebook/progress";
import { showTable } from "../notebook/tables";
import { type Arguments, integerOption, requiredOption, textOption, type Verb } from "./verb";

const folderOf = (args: Arguments) => textOption(args, "folder") ?? dataFolder();

/** A progress bar that appears with the first report. */
function reporter(label: string) {
  let bar: ReturnType<typeof progress> | undefined;
  return {
    onProgress(done: number, total: number): void {
      bar ??= progress(total, label, { unit: label === "downloading" ? "bytes" : "images" });
      bar.update(done);
    },
    finish: () => bar?.finish(),
  };
}

function list(args: Arguments): void {
  const infos = datasets.map(({ info }) => info);
  if (args.values.json) {
    console.log(JSON.stringify(infos, null, 2));
    return;
  }
  showTable({
    name: infos.map(({ name }) => name),
    "": infos.map(({ title }) => title),
    size: infos.map(({ size }) => size),
  });
}

async function info(args: Arguments, spec: string): Promise<void> {
  const dataset = await openDataset(spec, { dataFolder: folderOf(args) });
  try {
    const { name, size, imageSize, classNames, table, notices = [] } = dataset;
    const labels = labelsOf(dataset);
    const counts = classNames.map((_, c) => labels.filter((label) => label === c).length);
    const unlabeled = labels.filter((label) => label < 0).length;
    const about = datasets.find((source) => source.info.name === spec)?.info;
    const columns = Object.keys(table);
    if (args.values.json) {
      const classes = Object.fromEntries(classNames.map((className, c) => [className, counts[c]]));
      console.log(
        JSON.stringify(
          { name, size, imageSize, classes, unlabeled, columns, notices, about },
          null,
          2,
        ),
      );
      return;
    }
    if (about) console.log(`${about.title}\n${about.description}\n${about.source}\n`);
    console.log(`${name}: ${size} images of ${imageSize.join(" × ")} pixels`);
    console.log(`columns: ${columns.join(", ")}`);
    for (const notice of notices) console.log(notice);
    if (unlabeled > 0 && !dataset.votes) console.log(`${unlabeled} without a label`);
    console.log();
    if (classNames.length > 0) showTable({ class: classNames, images: counts }, { rows: 100 });
  } finally {
    await dataset.close();
  }
}

async function get(args: Arguments, name: string): Promise<void> {
  const source = datasets.find((known) => known.info.name === name);
  if (!source) {
    const names = datasets.map((known) => known.info.name).join(", ");
    throw new UserError(`there is no data set "${name}" to get`, `take one of ${names}`);
  }
  const shown = reporter("downloading");
  await source.get(folderOf(args), shown.onProgress);
  shown.finish();
  console.log(`${name}: ${join(folderOf(args), name)}`);
}

async function make(args: Arguments, name: string): Promise<void> {
  if (name !== "synthetic") {
    throw new UserError(`"${name}" cannot be made`, "tuning-fork data make synthetic");
  }
  const shown = reporter("making");
  const path = await makeSynthetic(join(folderOf(args), "synthetic"), {
    count: integerOption(args, "count", 3000, 1),
    size: integerOption(args, "size", 64, 16),
    seed: integerOption(args, "seed", 42),
    onProgress: shown.onProgress,
  });
  shown.finish();
  console.log(path);
}

async function exportTo(args: Arguments, spec: string): Promise<void> {
  const to = requiredOption(args, "to", "galaxies");
  const dataset = await openDataset(spec, { dataFolder: folderOf(args) });
  const shown = reporter("writing");
  try {
    const { counts, kept, written } = await exportFolders(dataset, to, {
      balance: args.values.balanced ? "undersample" : undefined,
      onProgress: shown.onProgress,
    });
    shown.finish();
    if (args.values.json) console.log(JSON.stringify({ counts, kept, written }, null, 2));
    else console.log(`${written} images written, ${kept} there already: ${to}`);
  } finally {
    await dataset.close();
  }
}

export const verb: Verb = {
  summary: "Data sets: list, look at, download, make, export",
  usage: `list | info SPEC | get NAME | make synthetic | export SPEC --to DIR [--balanced]
       [--folder DIR] [--json]

  list              the data sets that go by a name
  info SPEC         what a data set holds: classes, images, columns
  get NAME          download it, or go on with a download that broke off
  make synthetic    simulated galaxies [--count 3000] [--size 64] [--seed 42]
  export SPEC       as folders <split>/<class>/<id>.png; --balanced: as many of each class as the rarest has

  --folder DIR      where downloads live; default the project's data/
  --json            list, info and export for programs`,
  options: {
    to: { type: "string" },
    balanced: { type: "boolean" },
    folder: { type: "string" },
    count: { type: "string" },
    size: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean" },
  },
  async run(args) {
    const [action, name, ...more] = args.positionals;
    const actions: Readonly<Record<string, (args: Arguments, name: string) => Promise<void>>> = {
      info,
      get,
      make,
      export: exportTo,
    };
    if (action === "list" && name === undefined) list(args);
    else if (action !== undefined && Object.hasOwn(actions, action) && name && more.length === 0) {
      await actions[action](args, name);
    } else {
      throw new UserError(
        `data ${args.positionals.join(" ")}: list, or info, get, make or export with a name, was expected`,
        "see `tuning-fork data --help`",
      );
    }
    return undefined;
  },
};
