import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { asNumbers, asText } from "#lib/core/table";
import { Hdf5Writer } from "#lib/data/hdf5-writer";
import { hasLabels, labelsOf } from "#lib/data/labels";
import { batches } from "#lib/data/loader";
import { openDataset } from "#lib/data/open";

const cases = "test/fixtures/cases/data/csv";

describe("data without labels", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "unlabeled-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Small pictures of these names, each of a gray of its own. */
  async function pictures(...names: string[]): Promise<void> {
    for (const [i, name] of names.entries()) {
      const background = { r: 10 * i, g: 10 * i, b: 10 * i };
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .png()
        .toFile(join(folder, name));
    }
  }

  async function catalog(name: string): Promise<string> {
    await pictures(
      ..."abc".split("").flatMap((c) => [0, 1, 2, 3, 4, 5].map((i) => `img/${c}${i}.png`)),
    );
    await cp(join(cases, name), join(folder, name));
    return join(folder, name);
  }

  const refused = (work: Promise<unknown>, words: RegExp) =>
    assert.rejects(work, (e: unknown) => e instanceof UserError && words.test(e.message));

  it("is a plain folder of images", async () => {
    await pictures("b.png", "a.png");
    const set = await openDataset(folder);
    assert.deepEqual([set.table.id, set.classNames], [["a.png", "b.png"], []]);
    assert.equal(hasLabels(set), false);
    assert.deepEqual(labelsOf(set), Int32Array.of(-1, -1));
    assert.equal((await set.read([0]))[0], 10);
    for await (const batch of batches(set, [1, 0], { batchSize: 2 })) {
      assert.deepEqual([batch.images[0], batch.rows], [0, Uint32Array.of(1, 0)]);
    }
  });

  it("is plain folders train, val and test", async () => {
    await pictures("Train/a.png", "Validation/b.png", "testing/c.png");
    const set = await openDataset(folder);
    assert.deepEqual(set.table.split, ["train", "val", "test"]);
    assert.equal(hasLabels(set), false);
  });

  it("is a single image", async () => {
    await pictures("galaxy.png");
    const set = await openDataset(join(folder, "galaxy.png"), { size: 2 });
    assert.deepEqual(
      [set.table.id, set.imageSize, hasLabels(set)],
      [["galaxy.png"], [2, 2], false],
    );
    assert.deepEqual(set.sourceSize, [4, 4]);
  });

  it("is an .h5 file without ans, or with −1 in it", async () => {
    const path = join(folder, "plain.h5");
    for (const ans of [undefined, Int8Array.of(3, -1)]) {
      const writer = await Hdf5Writer.create(path);
      writer.write("images", new Uint8Array(2 * 48), [2, 4, 4, 3]);
      if (ans) writer.write("ans", ans);
      await writer.finish();
      const set = await openDataset(path);
      assert.deepEqual(labelsOf(set, [1, 0]), Int32Array.of(-1, ans ? 3 : -1));
      assert.deepEqual([hasLabels(set), set.classNames.length], ans ? [true, 10] : [false, 0]);
      assert.match(set.notices?.join() ?? "", ans ? /^$/ : /no 'ans' \(it has images\)/);
      await set.close();
    }
  });

  it("is a CSV id,path, other columns kept", async () => {
    await pictures("a.png", "b.png");
    const path = join(folder, "mine.csv");
    await writeFile(path, "id,path,split,survey\nx,a.png,TEST,SDSS\ny,b.png,,DESI\n");
    const set = await openDataset(path);
    assert.equal(hasLabels(set), false);
    assert.deepEqual(
      [set.table.split, set.table.survey],
      [
        ["test", ""],
        ["SDSS", "DESI"],
      ],
    );
    assert.match(set.notices?.join() ?? "", /survey are neither labels nor fractions/);
  });

  it("is what lies in an only folder, and that is said", async () => {
    await pictures("unknown/a.png", "unknown/b.png");
    const set = await openDataset(folder);
    assert.deepEqual([hasLabels(set), set.classNames], [false, []]);
    assert.match(set.notices?.join() ?? "", /'unknown' is the only folder .* unlabeled/);
    assert.deepEqual(set.table.id, ["unknown/a.png", "unknown/b.png"]);
  });

  it("is the only folder of a split whose name no other split has", async () => {
    await pictures("train/a/1.png", "train/b/1.png", "val/a/1.png", "test/dummy/1.png");
    const set = await openDataset(folder);
    assert.deepEqual(set.classNames, ["a", "b"]);
    assert.deepEqual(asNumbers(set.table.label), [-1, 0, 1, 0]);
    assert.deepEqual(set.table.split, ["test", "train", "train", "val"]);
    assert.match(set.notices?.join() ?? "", /'dummy' is the only folder of the split test/);
  });

  it("stands beside labeled data", async () => {
    await pictures("a/1.png", "b/1.png", "new.png");
    const set = await openDataset(folder);
    assert.deepEqual(
      [set.table.id, asNumbers(set.table.label)],
      [
        ["new.png", "a/1.png", "b/1.png"],
        [-1, 0, 1],
      ],
    );
    const set2 = await openDataset(await catalog("label_nan.csv"));
    assert.deepEqual(set2.classNames, ["a", "b", "c"]);
    assert.equal(labelsOf(set2)[3], -1);
    assert.match(set2.notices?.join() ?? "", /1 of 18 rows have no label \('nan'\)/);
  });

  it("is not a folder of class folders one level too high", async () => {
    await pictures("galaxies/a/1.png", "galaxies/b/1.png");
    await refused(openDataset(folder), /only folder 'galaxies' holds 2 folders.*\n.*galaxies if/);
  });

  describe("folders as people have them", () => {
    it("follows links, and notices those that lead back", async () => {
      await pictures("a/1.png", "target/2.png", "target/3.png");
      await mkdir(join(folder, "set"));
      for (const [to, from] of [
        ["../a", "set/a"],
        ["../target", "set/b"],
        ["../set", "target/loop"],
      ]) {
        await symlink(to, join(folder, from));
      }
      const set = await openDataset(join(folder, "set"));
      assert.deepEqual(set.table.id, ["a/1.png", "b/2.png", "b/3.png"]);
    });

    it("brings names to one Unicode form", async () => {
      const accented = "élliptique";
      await pictures(
        `train/${accented.normalize("NFC")}/1.png`,
        "train/spiral/1.png",
        `test/${accented.normalize("NFD")}/1.png`,
        "test/spiral/1.png",
      );
      const set = await openDataset(folder);
      assert.deepEqual(set.classNames, ["spiral", accented.normalize("NFC")]);
    });

    it("passes over what is no image, and counts it", async () => {
      await pictures("a/1.png", "b/1.png", "__MACOSX/a/1.png", "logs/x.png");
      await rm(join(folder, "logs/x.png"));
      for (const name of ["a/Thumbs.db", "readme.txt"]) await writeFile(join(folder, name), "x");
      const set = await openDataset(folder);
      assert.deepEqual(set.classNames, ["a", "b"]);
      assert.match(
        set.notices?.join() ?? "",
        /3 files that are no images .*: __MACOSX\/a\/1.png, a\/Thumbs.db, readme.txt/,
      );
    });

    it("refuses classes that differ in case, and what stands beside splits", async () => {
      await pictures("Spiral/1.png", "spiral/1.png");
      await refused(openDataset(folder), /'Spiral' and 'spiral'/);
      await rm(join(folder, "Spiral"), { recursive: true });
      await pictures("spiral /1.png");
      await refused(openDataset(folder), /'spiral' and 'spiral '/);
      await rm(join(folder, "spiral "), { recursive: true });
      await pictures("train/1.png");
      await refused(openDataset(folder), /'spiral' stands beside folders of splits/);
    });

    it("reads folders in a class as part of it, and says so", async () => {
      await pictures("a/1.png", "a/more/2.png", "b/1.png");
      const set = await openDataset(folder);
      assert.deepEqual(asNumbers(set.table.label), [0, 0, 1]);
      assert.match(set.notices?.join() ?? "", /part of the class: a\/more/);
    });
  });

  describe("catalogs as people have them", () => {
    it("understands how splits are spelled, and refuses other words by name", async () => {
      for (const name of ["split_case.csv", "split_valid.csv"]) {
        const set = await openDataset(await catalog(name));
        assert.deepEqual([...new Set(asText(set.table.split))], ["train", "val", "test"]);
      }
      const path = await catalog("split_case.csv");
      await writeFile(path, (await readFile(path, "utf8")).replace("Val", "hold-out"));
      await refused(openDataset(path), /row 6: split is 'hold-out'; expected train, val or test/);
    });

    it("asks about a label column of another name", async () => {
      await refused(
        openDataset(await catalog("class_col.csv")),
        /no column 'label', but 'class'.*\n.*Rename/,
      );
    });

    it("says that a catalog has no rows", async () => {
      await writeFile(join(folder, "header.csv"), "id,path,label\n");
      await refused(openDataset(join(folder, "header.csv")), /header has no rows/);
    });

    it("reads votes, and classes whose names differ in signs", async () => {
      assert.deepEqual((await openDataset(await catalog("votes.csv"))).votes?.answers, [
        "smooth",
        "disk",
        "artifact",
      ]);
      const { classNames } = await openDataset(await catalog("gz2str.csv"));
      assert.deepEqual(classNames.length, 6);
    });
  });
});
