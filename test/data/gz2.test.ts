import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Papa from "papaparse";
import { UserError } from "#lib/core/errors";
import { asNumbers, asText } from "#lib/core/table";
import { gz2MainQuestions, gz2Questions } from "#lib/data/galaxy-zoo-tree";
import { cleanClass, openGz2EightClasses } from "#lib/data/gz2-8class";
import { openVotes, readGz2 } from "#lib/data/gz2-catalog";
import { readCsv } from "#lib/io/csv";

const real = "../shared/data/gz2-votes";
const splits = "../shared/data/gz2-splits";

describe("data/gz2", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gz2-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const refused = (work: Promise<unknown>, ...words: string[]) =>
    assert.rejects(work, (e: unknown) => {
      assert.ok(e instanceof UserError, String(e));
      for (const word of words) assert.ok(e.problem.includes(word), e.problem);
      return true;
    });

  it("has 11 questions and 37 answers, 10 and 30 of them about the galaxy itself", () => {
    const count = (questions: typeof gz2Questions) => questions.flatMap((q) => q.answers).length;
    assert.deepEqual([gz2Questions.length, count(gz2Questions)], [11, 37]);
    assert.deepEqual([gz2MainQuestions.length, count(gz2MainQuestions)], [10, 30]);
    const answers = new Set(gz2Questions.flatMap((q) => q.answers));
    for (const { after = [] } of gz2Questions) assert.ok(after.every((one) => answers.has(one)));
  });

  describe("a small table", () => {
    const answers = gz2Questions.flatMap((q) => q.answers);
    const header = ["dr7objid", "ra", "dec", ...answers.map((a) => `${a}_debiased`)];
    async function write(rows: [objid: string, value: (answer: string) => number | string][]) {
      const lines = rows.map(([objid, value]) => [objid, 10, -5, ...answers.map(value)].join(","));
      await writeFile(join(folder, "votes.csv"), [header.join(","), ...lines].join("\n"));
      await mkdir(join(folder, "images"), { recursive: true });
      for (const asset of ["7", "8"]) {
        const image = "test/fixtures/data/folder/spiral/photo.jpg";
        await copyFile(image, join(folder, "images", `${asset}.jpg`));
      }
      await writeFile(
        join(folder, "mapping.csv"),
        "objid,sample,asset_id\n587722981736120347,original,7\n587722981736579107,original,8\n1,extra,9\n",
      );
      return {
        votes: join(folder, "votes.csv"),
        images: join(folder, "images"),
        mapping: join(folder, "mapping.csv"),
      };
    }
    const smooth = (answer: string) => (/a01|a15|a17/.test(answer) ? 1 : 0);

    it("joins votes, mapping and images; long identifiers stay exact", async () => {
      const paths = await write([
        ["587722981736579107", smooth],
        ["1", smooth],
        ["2", smooth],
        ["587722981736120347", smooth],
      ]);
      const set = await openVotes("mine", paths, [gz2Questions]);
      assert.deepEqual(set.table.id, ["8", "7"]);
      assert.deepEqual(set.table.objid, ["587722981736579107", "587722981736120347"]);
      assert.deepEqual(set.skipped, [
        { id: "9", reason: "no image" },
        { id: "2", reason: "not in the mapping" },
      ]);
      const votes = set.votes;
      assert.ok(votes);
      assert.equal(votes.fractions.length, 2 * 37);
      assert.equal(votes.fractions[37], 1);
      const bar = votes.answers.indexOf("t03_bar_a06_bar");
      assert.ok(Number.isNaN(votes.fractions[bar]), "nobody was asked about a bar");
      const rounded = votes.answers.indexOf("t07_rounded_a16_completely_round");
      assert.deepEqual(Array.from(votes.fractions.subarray(rounded, rounded + 3)), [0, 1, 0]);
      assert.equal((await set.read([1])).length, 40 * 40 * 3);
    });

    it("names rows and files that do not fit", async () => {
      const objid = "587722981736120347";
      const open = async (...rows: Parameters<typeof write>[0]) =>
        readGz2(await write(rows), [gz2Questions], "debiased");
      await refused(open([objid, smooth], [objid, smooth]), "votes.csv, row 3", "asset 7", "twice");
      const high = (answer: string) => (/a06/.test(answer) ? 1.5 : smooth(answer));
      await refused(open([objid, high]), "row 2", "t03_bar_a06_bar_debiased is 1.5");
      const word = (answer: string) => (/a06/.test(answer) ? "many" : smooth(answer));
      await refused(open([objid, word]), "row 2", "'t03_bar_a06_bar_debiased' is 'many'");
      await refused(open(["5", smooth]), "no image of the 1 galaxies");
      const paths = await write([[objid, smooth]]);
      await refused(
        readGz2({ ...paths, mapping: undefined }, [gz2Questions], "debiased"),
        "asset_id",
      );
      await refused(
        readGz2({ ...paths, images: "/nowhere" }, [gz2Questions], "debiased"),
        "/nowhere",
      );
      await refused(
        readGz2(paths, [gz2Questions], "cast"),
        "37 answers of the tree have no column",
      );
    });

    it("reads the paper's split", async () => {
      const paths = await write([
        ["587722981736579107", smooth],
        ["587722981736120347", smooth],
      ]);
      const header = "galaxyID,label1,label2,label3,label4";
      await writeFile(join(folder, "gz2_train.csv"), `${header}\n8,1,0,0,0\n`);
      await writeFile(join(folder, "gz2_valid.csv"), `${header}\n`);
      await writeFile(join(folder, "gz2_test.csv"), `${header}\n7,5,2,1,1\n99,0,0,0,0\n`);
      const set = await openGz2EightClasses(paths, { splits: folder });
      assert.deepEqual(set.table.id, ["8", "7"]);
      assert.deepEqual(asNumbers(set.table.label), [1, 5]);
      assert.deepEqual(set.table.split, ["train", "test"]);
      await writeFile(join(folder, "gz2_valid.csv"), `${header}\n8,1,0,0,0\n`);
      await refused(
        openGz2EightClasses(paths, { splits: folder }),
        "gz2_valid.csv, row 2",
        "twice",
      );
      await writeFile(join(folder, "gz2_valid.csv"), `${header}\n3,9,0,0,0\n`);
      await refused(openGz2EightClasses(paths, { splits: folder }), "label1 is 9");
      const derived = await openGz2EightClasses(paths);
      assert.deepEqual(asNumbers(derived.table.label), [1, 1]);
      assert.equal(derived.table.split, undefined);
    });
  });

  describe("real rows", () => {
    before(function () {
      if (!existsSync(real)) this.skip();
    });
    const paths = { votes: `${real}/votes.csv`, images: `${real}/images` };

    it("gives the paper's label to every galaxy by rule", async () => {
      const text = await readFile(paths.votes, "utf8");
      const { data } = Papa.parse<Record<string, string>>(text, {
        header: true,
        skipEmptyLines: true,
      });
      assert.equal(data.length, 600);
      for (const row of data) {
        const label = row.vit_label8 === "" ? undefined : Number(row.vit_label8);
        assert.equal(
          cleanClass((answer) => Number(row[`${answer}_debiased`])),
          label,
          row.asset_id,
        );
      }
    });

    it("opens 600 galaxies with 30 fractions, and the split's share of them", async () => {
      const votes = await openVotes("gz2-votes", paths, [gz2MainQuestions]);
      assert.deepEqual(
        [votes.size, votes.imageSize, votes.votes?.answers.length],
        [600, [224, 224], 30],
      );
      const eight = await openGz2EightClasses(paths, { splits });
      assert.equal(eight.size, 447);
      const derived = await openGz2EightClasses(paths);
      const label = new Map(asText(derived.table.id).map((id, i) => [id, derived.table.label[i]]));
      for (let i = 0; i < 447; i++) {
        assert.equal(label.get(String(eight.table.id[i])), eight.table.label[i]);
      }
    });

    it("reads the whole split", async () => {
      for (const [name, rows] of [
        ["train", 99808],
        ["valid", 24952],
        ["test", 31191],
      ] as const) {
        const csv = await readCsv(`${splits}/gz2_${name}.csv`, {
          galaxyID: "text",
          label1: "number",
        });
        assert.equal(csv.size, rows);
      }
    });
  });
});
