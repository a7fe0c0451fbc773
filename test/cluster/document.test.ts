import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { verbs } from "#lib/cli/registry";
import { loadSweep } from "#lib/cluster/sweep-config";
import { temporaryFolder } from "../train/support";

const text = readFileSync(resolve(__dirname, "..", "..", "docs", "cluster.md"), "utf8");
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, code]) => code,
  );

/** What a verb prints. */
async function printed(words: readonly string[]): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line: string) => lines.push(line);
  try {
    const { verb } = await verbs[words[0]]();
    assert.equal(await verb.run(words[0], [...words.slice(1), "--help"]), 0);
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

describe("docs/cluster.md", () => {
  const commands = blocks("sh")
    .join("")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""))
    .filter((line) => line.startsWith("npx tuning-fork "));

  it("names verbs and options that there are", async function () {
    this.timeout(60_000);
    assert.ok(commands.length > 6);
    for (const line of commands) {
      const [group, verb, what] = line.split(" ").slice(2);
      const help = [await printed([group, verb])];
      // What is done in parts has the options of its verb.
      if (verb === "submit" && what in verbs) help.push(await printed([what]));
      for (const [option] of line.matchAll(/--[\w-]+/g)) {
        assert.ok(
          help.some((one) => one.includes(`${option} `)),
          `${line}: ${option}`,
        );
      }
    }
    for (const verb of ["plan", "submit", "status", "logs", "stop", "collect", "slurm", "setup"]) {
      assert.ok(
        commands.some((line) => line.includes(`cluster ${verb} `) || line.endsWith(verb)),
        verb,
      );
    }
  });

  it("has a sweep that is one", () => {
    const folder = temporaryFolder();
    const file = join(folder.path, "sweep.yaml");
    const [sweep] = blocks("yaml");
    writeFileSync(file, sweep);
    const { first, rounds, keep } = loadSweep(file);
    assert.equal(first.length, 27);
    assert.deepEqual(rounds, [2, 6, 18]);
    assert.equal(keep(27), 9);
    folder.remove();
  });
});
