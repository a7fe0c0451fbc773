import assert from "node:assert/strict";
import { joinDatasets } from "#lib/data/join-datasets";
import { oddPictures } from "#lib/data/odd-pictures";

describe("data sets joined", () => {
  it("are read as one, in any order, with what each row is from", async () => {
    const plain = oddPictures("artifact", { count: 4, size: 32 });
    const table = { ...plain.table, label: [1, 0, 1, 0] };
    const galaxies = { ...plain, name: "galaxies", classNames: ["disk", "smooth"], table };
    const stars = oddPictures("star", { count: 3, size: 32 });
    const all = joinDatasets(galaxies, stars);
    assert.equal(all.size, 7);
    const images = await all.read([5, 0, 4]);
    const length = 32 * 32 * 3;
    const [first, second] = [await stars.read([1, 0]), await galaxies.read([0])];
    assert.deepEqual(images.slice(0, length), first.slice(0, length));
    assert.deepEqual(images.slice(length, 2 * length), second);
    assert.deepEqual(images.slice(2 * length), first.slice(length));
    const { id, label, source } = all.table;
    assert.deepEqual([id[4], label[4], source[4]], ["star 1", -1, "star"]);
    assert.deepEqual([label[2], source[3]], [1, "galaxies"]);
    const other = joinDatasets(stars, { ...galaxies, classNames: ["round", "disk"] });
    assert.equal(other.table.label[3], -1);
    const small = oddPictures("star", { count: 3, size: 16 });
    assert.throws(() => joinDatasets(galaxies, small), /star is read as 16 × 16 pixels, galaxies/);
    await all.close();
  });
});
