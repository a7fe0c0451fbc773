import assert from "node:assert/strict";
import { idKey, rowsById } from "#lib/core/ids";
import { isUnknown } from "#lib/core/table";

describe("ids", () => {
  it("are the same with and without the point of a whole number", () => {
    assert.equal(idKey("58957.0"), "58957");
    assert.equal(idKey(" 58957"), idKey(58957));
    assert.equal(idKey("587722.10"), "587722.10");
    assert.equal(idKey("J1.0"), "J1.0");
    assert.equal(idKey("-7.00"), "-7");
    assert.equal(idKey("58957."), "58957.");
  });

  it("have a row each, and those that are there twice or empty are named by theirs", () => {
    assert.deepEqual(
      [...rowsById(["7.0", 8], "t")],
      [
        ["7", 0],
        ["8", 1],
      ],
    );
    const refused = (ids: (string | number)[], words: RegExp) =>
      assert.throws(() => rowsById(ids, "t.csv", (row) => row + 2), words);
    refused(["7", "8", "7.0"], /t\.csv, row 4: the id "7\.0" is there already, in row 2/);
    refused(["7", " "], /t\.csv, row 3: the id is empty/);
  });
});

describe("values of tables", () => {
  it("are unknown as each program writes it", () => {
    for (const text of [
      "",
      " ",
      "nan",
      "-NaN",
      "NA",
      "n/a",
      "#N/A",
      "<NA>",
      "NULL",
      "None",
      "--",
    ]) {
      assert.ok(isUnknown(text), text);
    }
    for (const text of ["none", "0", "-", "nano", "Na I"]) assert.ok(!isUnknown(text), text);
  });
});
