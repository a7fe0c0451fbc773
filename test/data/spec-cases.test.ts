import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { UserError } from "#lib/core/errors";
import { asText } from "#lib/core/table";
import { exportFolders } from "#lib/data/export-dataset";
import { openDataset } from "#lib/data/open";
import { loadSplit } from "#lib/data/splits";

const csv = "test/fixtures/cases/data/csv";
const names = ["a", "b", "c"].flatMap((c) => [0, 1, 2, 3, 4, 5].map((i) => `${c}${i}.png`));

/** What a data set as people have it is read as, or how it is refused. */
interface Case {
  /** What is made in the folder; the SPEC that is opened. */
  make(folder: string): Promise<string>;
  readonly size?: number;
  readonly classes?: string;
  readonly splits?: string;
  readonly notice?: RegExp;
  readonly refused?: RegExp;
}

async function images(folder: string, files: readonly string[]): Promise<string> {
  for (const [i, file] of files.entries()) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    const background = { r: 10 * i, g: 200 - i, b: 3 };
    await sharp({ create: { width: 8, height: 8, channels: 3, background } }).toFile(path);
  }
  return folder;
}

const classed = (...classes: readonly string[]) =>
  names.filter((name) => classes.includes(name[0])).map((name) => `${name[0]}/${name}`);

/** A CSV of the cases, with the images that it names. */
async function table(folder: string, name: string): Promise<string> {
  await images(join(folder, "img"), names);
  await cp(join(csv, name), join(folder, name));
  return join(folder, name);
}

/** A CSV with these cells behind `id,path`, each of a picture. */
async function written(
  folder: string,
  columns: string,
  rows: readonly string[],
  ids = rows.map((_, i) => String(i)),
): Promise<string> {
  await images(folder, ["1.png"]);
  const lines = rows.map((row, i) => `${ids[i]},1.png,${row}`);
  await writeFile(join(folder, "g.csv"), `id,path,${columns}\n${lines.join("\n")}\n`);
  return join(folder, "g.csv");
}

const cases: Readonly<Record<string, Case>> = {
  "class folders": {
    make: (folder) => images(folder, classed("a", "b", "c")),
    size: 18,
    classes: "a,b,c",
  },
  "pictures without labels in one folder": {
    make: (folder) =>
      images(
        folder,
        names.map((name) => `unknown/${name}`),
      ),
    size: 18,
    classes: "",
    notice: /only folder .* unlabeled/,
  },
  "a class that is a symbolic link": {
    async make(folder) {
      await images(join(folder, "target"), classed("c"));
      await images(join(folder, "set"), classed("a", "b"));
      await symlink("../target/c", join(folder, "set/c"));
      return join(folder, "set");
    },
    size: 18,
    classes: "a,b,c",
  },
  "accents of two Unicode forms": {
    make: (folder) =>
      images(folder, [
        "train/e\u0301lliptique/1.png",
        "test/\u00e9lliptique/2.png",
        "train/spiral/3.png",
        "test/spiral/4.png",
      ]),
    size: 4,
    classes: "spiral,\u00e9lliptique",
    splits: "test,train",
  },
  "Thumbs.db among the images": {
    async make(folder) {
      await images(folder, classed("a", "b", "c"));
      await writeFile(join(folder, "a/Thumbs.db"), "no image");
      return folder;
    },
    size: 18,
    notice: /1 files that are no images were passed over: a\/Thumbs\.db/,
  },
  "splits in capitals": {
    make: (folder) => table(folder, "split_case.csv"),
    size: 18,
    splits: "test,train,val",
  },
  "a split called valid": {
    make: (folder) => table(folder, "split_valid.csv"),
    size: 18,
    splits: "test,train,val",
  },
  "an unclosed quote": {
    make: (folder) => table(folder, "unclosed.csv"),
    refused: /row 5: a quote is opened and never closed/,
  },
  "a byte-order mark before a quoted header": {
    make: (folder) => table(folder, "bom_quoted.csv"),
    size: 18,
    classes: "a,b,c",
  },
  "a letter of two bytes across byte 65,536": {
    async make(folder) {
      await images(folder, ["1.png"]);
      const path = join(folder, "galaxies.csv");
      const rows = Array.from({ length: 3000 }, (_, i) => `g${i},1.png,\u00e9lliptique`);
      const text = `id,path,label\n${rows.join("\n")}\n`;
      // The border falls inside of a letter, whatever comes before.
      const cut = Buffer.from(text).subarray(0, 65_536).toString().endsWith("\ufffd");
      await writeFile(path, cut ? text : text.replace("label\n", "label \n"));
      return path;
    },
    size: 3000,
    classes: "\u00e9lliptique",
  },
  "votes without a tree": {
    make: (folder) => table(folder, "votes.csv"),
    size: 18,
    classes: "",
  },
  "a label nan": {
    make: (folder) => table(folder, "label_nan.csv"),
    classes: "a,b,c",
    notice: /1 of 18 rows have no label \('nan'\)/,
  },
  "classes that differ in signs": {
    make: (folder) => table(folder, "gz2str.csv"),
    size: 18,
    classes: "Ei,Er,Sa,Sa?,Sb?t,Sb+t",
  },
  "a label column called class": {
    make: (folder) => table(folder, "class_col.csv"),
    refused: /no column 'label', but 'class' may be meant/,
  },
  "labels as Python's programs leave them out": {
    make: (folder) => written(folder, "label", ["None", "<NA>", "--", "a"]),
    classes: "a",
    notice: /3 of 4 rows have no label \('None', '<NA>', '--'\)/,
  },
  "labels that differ in case": {
    make: (folder) => written(folder, "label", ["Spiral", "spiral", "edge"]),
    notice: /'spiral' and 'Spiral' differ in upper and lower case or spaces only/,
  },
  "a split column called Split": {
    make: (folder) => written(folder, "label,Split", ["a,train", "b,test"]),
    refused: /no column 'split', but 'Split' may be meant/,
  },
  "a split column called subset": {
    make: (folder) => written(folder, "label,subset", ["a,Training", "b,Validation"]),
    refused: /no column 'split', but 'subset' may be meant/,
  },
  "a column called set that is no split": {
    make: (folder) => written(folder, "label,set", ["a,1", "b,2"]),
    size: 2,
  },
  "an id with and without the point of a whole number": {
    make: (folder) => written(folder, "label,note", ["a,", "b,"], ["58957", "58957.0"]),
    refused: /row 3: the id "58957\.0" is there already, in row 2/,
  },
  "an id left empty": {
    make: (folder) => written(folder, "label,note", ["a,", "b,"], ["1", ""]),
    refused: /row 3: the id is empty/,
  },
  "folders of galaxies that have no class": {
    make: (folder) => images(folder, ["nan/1.png", "NA/2.png", "a/3.png", "b/4.png"]),
    size: 4,
    classes: "a,b",
    notice: /folders called NA, nan are taken as unlabeled/,
  },
  "what macOS puts into archives": {
    make: (folder) => images(folder, [...classed("a", "b"), "__MACOSX/a/a0.png"]),
    size: 12,
    classes: "a,b",
    notice: /1 files that are no images were passed over: __MACOSX\/a\/a0\.png/,
  },
  "an answer called __proto__": {
    make: (folder) => written(folder, "__proto__", ["0.5", "x"]),
    size: 2,
    notice: /columns __proto__ are neither labels nor fractions/,
  },
  "a split that leads out of the folder": {
    async make(folder) {
      await images(folder, ["1.png"]);
      await writeFile(join(folder, "g.csv"), "id,path,label,split\n1,1.png,a,../../out\n");
      return join(folder, "g.csv");
    },
    refused: /row 2: split is '\.\.\/\.\.\/out'; expected train, val or test/,
  },
};

describe("data sets as people have them", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "cases-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const [name, { make, size, classes, splits, notice, refused }] of Object.entries(cases)) {
    it(name, async () => {
      const spec = await make(folder);
      if (refused !== undefined) {
        const isRefused = (e: unknown) => e instanceof UserError && refused.test(e.message);
        await assert.rejects(openDataset(spec), isRefused);
        return;
      }
      const set = await openDataset(spec);
      if (size !== undefined) assert.equal(set.size, size);
      if (classes !== undefined) assert.equal(set.classNames.join(), classes);
      if (splits !== undefined) {
        assert.equal([...new Set(asText(set.table.split))].sort().join(), splits);
      }
      if (notice !== undefined) assert.match((set.notices ?? []).join("\n"), notice);
      await set.close();
    });
  }

  it("exports equal files to one split, and counts those that a given split tears apart", async () => {
    await images(folder, classed("a", "b"));
    for (let i = 0; i < 5; i++) await cp(join(folder, "a/a0.png"), join(folder, `a/copy${i}.png`));
    const set = await openDataset(folder);
    const to = `${folder}-out`;
    const shares = { train: 1, test: 1 };
    try {
      assert.equal((await exportFolders(set, to, { shares })).crossing, 0);
      const ids = asText(set.table.id);
      const split = await loadSplit(join(to, "split.csv"), ids);
      const copies = split.filter((_, row) => /copy|a0/.test(ids[row]));
      assert.deepEqual([copies.length, new Set(copies).size], [6, 1]);
      await rm(to, { recursive: true });
      const given = ids.map((_, row) => (row % 2 === 0 ? "train" : "test"));
      const torn = { ...set, table: { ...set.table, split: given } };
      assert.equal((await exportFolders(torn, to)).crossing, 1);
    } finally {
      await rm(to, { recursive: true, force: true });
    }
  });

  it("exports objects within two arcsec to one split", async () => {
    await images(folder, classed("a", "b"));
    const set = await openDataset(folder);
    const ra = ids(set.size, (row) => (row < 4 ? 10 + row / 7200 : 20 + row));
    const near = { ...set, table: { ...set.table, ra, dec: ids(set.size, () => -5) } };
    const to = `${folder}-out`;
    try {
      await exportFolders(near, to, { shares: { train: 1, test: 1 } });
      const split = await loadSplit(join(to, "split.csv"), asText(set.table.id));
      assert.equal(new Set(split.slice(0, 4)).size, 1);
    } finally {
      await rm(to, { recursive: true, force: true });
    }
  });

  it("exports ids that would be hidden files, or lead out, inside of the folder", async () => {
    await images(folder, ["1.png"]);
    const path = join(folder, "g.csv");
    const rows = [".hidden", "..", "../../x", "/etc/y"].map((id) => `${id},1.png,${id.length}`);
    await writeFile(path, `id,path,label,split\n${rows.map((row) => `${row},train`).join("\n")}\n`);
    const to = join(folder, "out");
    const { written } = await exportFolders(await openDataset(path), to);
    assert.equal(written, 4);
    assert.equal((await openDataset(to)).size, 4);
    assert.match(await readFile(join(to, "split.csv"), "utf8"), /\.\.\/\.\.\/x,train/);
  });
});

function ids(length: number, of: (row: number) => number): Float64Array {
  return Float64Array.from({ length }, (_, row) => of(row));
}
