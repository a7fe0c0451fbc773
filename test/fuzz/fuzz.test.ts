import assert from "node:assert/strict";
import { Fuzzer } from "./driver";
import { readers } from "./readers";

describe("damaged files are read or refused: no raw error, no hang, no flood of memory", () => {
  const fuzzer = new Fuzzer();
  after(() => fuzzer.close());
  for (const name of Object.keys(readers)) {
    it(name, async () => {
      const { faults, read, refused } = await fuzzer.run(name, 1000, 20260);
      assert.deepEqual(faults, []);
      assert.equal(read + refused, 1000);
    });
  }
});
