import { join } from "node:path";
import { UserError } from "../core/errors";
import type { Votes } from "../data/dataset";
import { questionRanges } from "../data/decision-tree";
import { exportFolders } from "../data/export-dataset";
import { labelsOf } from "../data/labels";
import { openDataset } from "../data/open";
import { datasets } from "../data/registry";
import { makeSynthetic } from "../data/synthetic";
import { dataFolder } from "../io/paths";
import { withProgress } from "../notebook/progress";
import { showTable } from "../notebook/tables";
import { defineVerb, groupVerbs, say } from "./verb";

const json = { type: "flag", help: "For programs." } as const;
const folder = {
  type: "text",
  value: "DIR",
  help: "Where downloads and made sets live. Default: the project's data/.",
} as const;

type OnProgress = (done: number, total: number) => void;

const list = defineVerb({
  summary: "The data sets that go by a name",
  options: { json },
  async run(values) {
    const infos = datasets.map(({ info }) => info);
    if (values.json) {
      say(JSON.stringify(infos, null, 2));
      return undefined;
    }
    showTable({
      name: infos.map(({ name }) => name),
      "": infos.map(({ title }) => title),
      size: infos.map(({ size }) => size),
    });
    return undefined;
  },
});

const info = defineVerb({
  summary: "What a data set holds: classes, images, columns",
  words: { name: "SPEC" },
  options: { folder, json },
  async run(values, [spec]) {
    const dataset = await openDataset(spec, { dataFolder: values.folder });
    try {
      const { name, size, imageSize, classNames, table, notices = [] } = dataset;
      const labels = labelsOf(dataset);
      const counts = classNames.map((_, c) => labels.filter((label) => label === c).length);
      const unlabeled = labels.filter((label) => label < 0).length;
      const about = datasets.find((source) => source.info.name === spec)?.info;
      const columns = Object.keys(table);
      if (values.json) {
        const classes = Object.fromEntries(classNames.map((one, c) => [one, counts[c]]));
        const found = { name, size, imageSize, classes, unlabeled, columns, notices, about };
        say(JSON.stringify(found, null, 2));
        return undefined;
      }
      if (about) say(`${about.title}\n${about.description}\n${about.source}\n`);
      const sizes = dataset.sourceSize ? `${imageSize.join(" × ")} pixels` : "different sizes";
      say(`${name}: ${size} images of ${sizes}`);
      say(`columns: ${columns.join(", ")}`);
      for (const notice of notices) say(notice);
      if (unlabeled > 0 && !dataset.votes) say(`${unlabeled} without a label`);
      say("");
      if (classNames.length > 0) showTable({ class: classNames, images: counts }, { rows: 100 });
      if (dataset.votes) showTable(questionTable(dataset.votes), { rows: 100 });
    } finally {
      await dataset.close();
    }
    return undefined;
  },
});

/** Of how many galaxies the votes about each question are known. */
function questionTable({ questions, answers, fractions }: Votes) {
  const galaxies = questionRanges(questions).map(({ from }) => {
    let known = 0;
    for (let at = from; at < fractions.length; at += answers.length) {
      if (!Number.isNaN(fractions[at])) known++;
    }
    return known;
  });
  return {
    question: questions.map(({ name }) => name),
    answers: questions.map((question) => question.answers.length),
    galaxies,
  };
}

const get = defineVerb({
  summary: "Download a data set, or go on with a download that broke off",
  words: { name: "NAME" },
  options: { folder },
  async run(values, [name]) {
    const source = datasets.find((known) => known.info.name === name);
    if (!source) {
      const names = datasets.map((known) => known.info.name).join(", ");
      throw new UserError(`there is no data set "${name}" to get`, `take one of ${names}`);
    }
    const to = values.folder ?? dataFolder();
    const fetch = (onProgress: OnProgress) => source.get(to, onProgress);
    await withProgress("downloading", fetch, { unit: "bytes" });
    say(`${name}: ${join(to, name)}`);
    return undefined;
  },
});

const make = defineVerb({
  summary: "Simulated galaxies: data make synthetic",
  words: { name: "synthetic" },
  options: {
    count: { type: "integer", value: "N", help: "How many.", default: 3000, least: 1 },
    size: { type: "integer", value: "N", help: "Pixels of a side.", default: 64, least: 16 },
    seed: { type: "integer", value: "N", help: "Which ones.", default: 42 },
    folder,
  },
  async run({ folder: asked, ...options }, [name]) {
    if (name !== "synthetic") {
      throw new UserError(`"${name}" cannot be made`, "tuning-fork data make synthetic");
    }
    const to = join(asked ?? dataFolder(), "synthetic");
    const path = await withProgress("making", (onProgress) =>
      makeSynthetic(to, { ...options, onProgress }),
    );
    say(path);
    return undefined;
  },
});

const exportTo = defineVerb({
  summary: "Write a data set as folders <split>/<class>/<id>.png",
  words: { name: "SPEC" },
  options: {
    to: { type: "text", value: "DIR", help: "The folder.", required: "galaxies" },
    balanced: { type: "flag", help: "As many of each class as the rarest has." },
    folder,
    json,
  },
  async run({ to, balanced, ...values }, [spec]) {
    const dataset = await openDataset(spec, { dataFolder: values.folder });
    try {
      const balance = balanced ? "undersample" : undefined;
      const report = await withProgress("writing", (onProgress) =>
        exportFolders(dataset, to, { balance, onProgress }),
      );
      const { counts, kept, written, unlabeled, crossing } = report;
      if (values.json) {
        say(JSON.stringify({ counts, kept, written, unlabeled, crossing }, null, 2));
        return undefined;
      }
      say(`${written} images written, ${kept} there already: ${to}`);
      if (unlabeled > 0) say(`${unlabeled} without a label are left out`);
      if (crossing > 0) say(`${crossing} objects stand in more than one of the splits given`);
    } finally {
      await dataset.close();
    }
    return undefined;
  },
});

export const verb = groupVerbs("Data sets: list, look at, download, make, export", {
  list,
  info,
  get,
  make,
  export: exportTo,
});
