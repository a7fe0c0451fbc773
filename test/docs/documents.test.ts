import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { modelDefinition } from "#lib/models/registry";
import { experimentSchema, parseConfig } from "#lib/train/config";
import { loadConfig } from "#lib/train/config-file";
import { mergeSettings, type Tree } from "#lib/train/merge-settings";
import { temporaryFolder } from "../train/support";

const ROOT = resolve(__dirname, "..", "..");
const DOCUMENTS = [
  ...["README.md", "environment.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...["data/README.md", "docs/README.md", "docs/engine.md", "docs/cluster.md", "docs/kernel.md"],
];
const RESULTS = readdirSync(join(ROOT, "results"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `results/${name}`);
const TEXT = { type: "string" } as const;
/** Options of `train` that stand in results. */
const TRAIN = {
  config: TEXT,
  data: TEXT,
  out: TEXT,
  model: TEXT,
  set: { ...TEXT, multiple: true },
} as const;
const text = (document: string) => readFileSync(join(ROOT, document), "utf8");
const scripts: Record<string, string> = JSON.parse(text("package.json")).scripts;

/** The lines of a document's shell blocks, without remarks. */
function commands(document: string): string[] {
  return [...text(document).matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block.split("\n"))
    .flatMap((line) => line.replace(/\s+#.*$/, "").split(" && "))
    .filter((line) => line !== "");
}

describe("the documents", () => {
  for (const document of [...DOCUMENTS, ...RESULTS, "lib/weights/README.md"]) {
    it(`${document} links to what is there`, () => {
      const links = [...text(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to);
      for (const link of links.filter((to) => !/^(https?:|#)/.test(to))) {
        const path = join(ROOT, dirname(document), link.split("#")[0]);
        assert.ok(existsSync(path), `${document} links to ${link}`);
      }
    });

    it(`${document} names npm scripts and stages that exist`, () => {
      const stages = text("tools/test.mjs");
      for (const line of commands(document)) {
        const script = /^npm (?!i )(?:run )?([\w:-]+)/.exec(line)?.[1];
        if (script !== undefined) assert.ok(script in scripts, `${line}: no script ${script}`);
        const asked = /^npm test -- (.*)$/.exec(line)?.[1] ?? "";
        for (const [, quoted, plain] of asked.matchAll(/"([^"]+)"|(\S+)/g)) {
          const stage = quoted ?? plain;
          assert.match(stages, new RegExp(`^\\s+"?${stage}"?[:,]`, "m"), `${line}: ${stage}`);
        }
      }
    });
  }

  it("import names that the entry points have", () => {
    const entries: Record<string, { default: string }> = JSON.parse(
      text("lib/package.json"),
    ).exports;
    for (const document of DOCUMENTS) {
      const imports = text(document).matchAll(/import \{([^}]+)\} from "(tuning-fork[^"]*)"/g);
      for (const [line, names, from] of imports) {
        const entry = entries[from.replace("tuning-fork", ".")];
        assert.ok(entry, `${document}: ${line}`);
        const known = require(join(ROOT, "lib", entry.default));
        for (const name of names.split(",").map((word) => word.trim())) {
          assert.ok(name in known, `${document}: ${line}`);
        }
      }
    }
  });

  for (const document of RESULTS) {
    it(`${document} has settings and commands that can be run again`, () => {
      for (const [, block] of text(document).matchAll(/```yaml\n([\s\S]*?)```/g)) {
        const settings: Tree = parse(block);
        parseConfig(experimentSchema, mergeSettings({ data: { spec: "x" } }, settings), document);
      }
      for (const [line, words] of text(document).matchAll(/^ {4}npx tuning-fork train (.*)$/gm)) {
        const { values } = parseArgs({ args: words.split(" "), options: TRAIN });
        const { config = "", data: spec = "x", set = [], model } = values;
        if (model !== undefined) set.push(`model.name=${model}`);
        // A file of these settings stands beside it.
        if (/^(FILE|votes\.yaml)$/.test(config)) continue;
        const file = config.replace(/^notebooks/, join(ROOT, "notebooks"));
        modelDefinition(loadConfig(file, { spec, set }).model.name);
        assert.ok(values.out, line);
      }
      for (const [, script, words] of text(document).matchAll(
        /^ {4}node (tools\/experiments\/\S+) (.*)$/gm,
      )) {
        const known = text(script);
        for (const [, option] of words.matchAll(/--([\w-]+)/g))
          assert.match(
            known,
            new RegExp(`^ *${option}: \\{|"${option}"`, "m"),
            `${script} --${option}`,
          );
      }
    });
  }

  it("the README's commands do what they say, one after another", function () {
    this.timeout(280_000);
    const folder = temporaryFolder();
    for (const line of commands("README.md").filter((c) => c.startsWith("npx tuning-fork"))) {
      const words = line.replaceAll("results/", `${folder.path}/`).split(" ").slice(2);
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(ROOT, "lib", "bin", "tuning-fork.js"), ...words],
        { encoding: "utf8", cwd: ROOT },
      );
      assert.equal(status, 0, `${line}\n${stdout}\n${stderr}`);
    }
    assert.ok(existsSync(join(folder.path, "first", "figures", "confusion-matrix.png")));
    folder.remove();
  });
});
