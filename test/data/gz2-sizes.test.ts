import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSizes } from "#lib/data/gz2-sizes";

describe("sizes and magnitudes of Galaxy Zoo 2", () => {
  const folder = mkdtempSync(join(tmpdir(), "sizes-"));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it("are those of the pictures, by the mapping; objects without a picture are left out", async () => {
    const catalog = file(
      "sample.csv",
      "OBJID,PETROR50_R,PETROMAG_R,PETROR90_R\n587722981736120347,3.5,16.25,9\n587722981736579107,2,17.5,6\n",
    );
    const mapping = file("map.csv", "objid,sample,asset_id\n587722981736579107,original,2\n");
    assert.deepEqual(await readSizes(catalog, mapping), {
      id: ["2"],
      radius: [2],
      magnitude: [17.5],
    });
    // Ids of nineteen digits are not rounded.
    assert.equal((await readSizes(catalog)).id[0], "587722981736120347");
  });

  it("are refused by name where the catalog lacks them", async () => {
    const catalog = file("votes.csv", "objid,ra\n1,2\n");
    await assert.rejects(
      readSizes(catalog),
      /votes\.csv has none of the columns radius, petror50_r/,
    );
  });
});
