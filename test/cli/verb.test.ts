import assert from "node:assert/strict";
import { helpOf } from "#lib/cli/help";
import { readOptions } from "#lib/cli/options";
import { defineVerb, findVerb, groupVerbs } from "#lib/cli/verb";
import { UserError } from "#lib/core/errors";
import { nearestWord } from "#lib/core/nearest";
import { printable } from "#lib/core/printable";

const options = {
  out: { type: "text", value: "DIR", help: "Where.", required: "somewhere" },
  tag: { type: "text", help: "Which.", multiple: true },
  count: { type: "integer", value: "N", help: "How many.", default: 3, least: 1 },
  shift: { type: "number", help: "How far." },
  kind: { type: "choice", choices: ["round", "square"], help: "What.", default: "round" },
  json: { type: "flag", help: "For programs." },
} as const;
const words = { name: "FILE", count: [0, 2] } as const;

const read = (...args: string[]) => readOptions("look", { options, words }, args);

describe("options of a verb", () => {
  it("have their types and defaults", () => {
    assert.deepEqual(read("--out", "a"), {
      values: { out: "a", tag: [], count: 3, shift: undefined, kind: "round", json: false },
      words: [],
    });
    const given = ["x", "--out=b=c", "--tag", "1", "--tag", "2", "--count", "7", "--shift", "-1.5"];
    assert.deepEqual(read(...given, "--kind", "square", "--json", "y"), {
      values: { out: "b=c", tag: ["1", "2"], count: 7, shift: -1.5, kind: "square", json: true },
      words: ["x", "y"],
    });
    assert.deepEqual(read("--out", "a", "--", "--json").words, ["--json"]);
  });

  const refused: [args: string[], message: RegExp][] = [
    [[], /--out is missing\n.*--out somewhere/],
    [["--out"], /--out lacks its DIR/],
    [["--out", "--json"], /--out lacks its DIR/],
    [["--out="], /--out lacks its DIR/],
    [["--out", "a", "--out", "b"], /--out is given twice/],
    [["--out", "a", "--jsno"], /look has no option --jsno\n.*did you mean --json/],
    [["--out", "a", "--zebra", "1"], /no option --zebra\n.*tuning-fork look --help/],
    [["--out", "a", "-x"], /no option -x/],
    [["--out", "a", "--json=yes"], /--json takes no value/],
    [["--out", "a", "--count", "2.5"], /--count is "2.5"; expected a whole number of at least 1/],
    [["--out", "a", "--count", "0"], /at least 1/],
    [["--out", "a", "--count", "1e400"], /--count is "1e400"/],
    [["--out", "a", "--shift", "far"], /--shift is "far"; expected a number/],
    [["--out", "a", "--kind", "sqare"], /expected one of round, square\n.*--kind square/],
    [["--out", "a", "--constructor", "b"], /no option --constructor/],
    [["--out", "a", "x", "y", "z"], /does not take the word "z"/],
  ];
  for (const [args, message] of refused) {
    it(`refuse ${args.join(" ") || "nothing"}`, () => {
      assert.throws(
        () => read(...args),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });
  }

  it("are shown by the help, each with its sentence, its choices and its default", () => {
    const text = helpOf("look", { summary: "Look at it", details: "Twice.", words, options });
    assert.match(text, /^Look at it\n\ntuning-fork look \[FILE …\] --out DIR \[--tag TEXT …\]/);
    assert.match(text, /\n\nTwice\.\n\n/);
    assert.match(text, /\n {2}--out DIR {2,}Where\.\n/);
    assert.match(text, /--count N +How many\. Default 3\.\n/);
    assert.match(text, /--kind round\|square +What\. Default round\.\n/);
    assert.match(text, /--tag TEXT +Which\. May be given several times\.\n/);
    assert.match(text, /--help +This text\.$/);
    for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
  });
});

describe("verbs", () => {
  it("run with what was given, and give their exit code", async () => {
    const verb = defineVerb({
      summary: "",
      options,
      words,
      async run({ out, count }, [first]) {
        // The types follow from the options.
        const length: number = out.length + count;
        return length + (first?.length ?? 0);
      },
    });
    assert.equal(await verb.run("look", ["--out", "ab", "file"]), 9);
    await assert.rejects(verb.run("look", []), UserError);
  });

  it("stand in groups, and name the one that was meant", async () => {
    const one = defineVerb({ summary: "", options: {}, run: async () => 5 });
    const group = groupVerbs("", { list: one, info: one });
    assert.equal(await group.run("data", ["list"]), 5);
    await assert.rejects(group.run("data", ["lsit"]), /"data lsit"[\s\S]*tuning-fork data list/);
    await assert.rejects(group.run("data", []), /data what\?/);
    await assert.rejects(group.run("data", ["list", "more"]), /does not take the word "more"/);
    assert.throws(() => findVerb({ a: 1 }, "toString"), /no verb "toString"/);
  });
});

describe("words", () => {
  it("are found by the nearest", () => {
    const known = ["epochs", "batchSize", "optimizer"];
    assert.equal(nearestWord("epoch", known), "epochs");
    assert.equal(nearestWord("batchsize", known), "batchSize");
    assert.equal(nearestWord("optimiser", known), "optimizer");
    assert.equal(nearestWord("epcohs", known), "epochs");
    assert.equal(nearestWord("galaxy", known), undefined);
    assert.equal(nearestWord("a", []), undefined);
  });

  it("reach a terminal without the characters that steer it", () => {
    assert.equal(printable("a\n\tb é 🌀"), "a\n\tb é 🌀");
    assert.equal(
      printable("\u001b[31mred\u009b0m\u0007\r\u202e"),
      "\\u001b[31mred\\u009b0m\\u0007\\u000d\\u202e",
    );
    const json = JSON.stringify({ name: "a\u009b\u202e" });
    assert.deepEqual(JSON.parse(printable(json)), { name: "a\u009b\u202e" });
  });
});
