import assert from "node:assert/strict";
import { untilInterrupted } from "#lib/notebook/interrupt";

describe("work that can be interrupted", () => {
  const listeners = () => ["SIGINT", "SIGTERM"].map((name) => process.rawListeners(name));

  it("ends by an outer signal, whether that was aborted before or is meanwhile", async () => {
    const before = listeners();
    for (const early of [true, false]) {
      const outer = new AbortController();
      const reason = new Error("not wanted any more");
      if (early) outer.abort(reason);
      const work = untilInterrupted(async (signal) => {
        assert.equal(signal.aborted, early);
        if (!early) outer.abort(reason);
        signal.throwIfAborted();
      }, outer.signal);
      await assert.rejects(work, reason);
    }
    assert.deepEqual(listeners(), before);
  });

  it("is told of the signal, whose other listeners wait meanwhile", async () => {
    let others = 0;
    const other = () => others++;
    process.on("SIGINT", other);
    try {
      const work = untilInterrupted(async (signal) => {
        process.emit("SIGINT");
        signal.throwIfAborted();
      });
      await assert.rejects(work, { name: "UserError", problem: "interrupted" });
      assert.equal(others, 0);
      process.emit("SIGINT");
      assert.equal(others, 1);
    } finally {
      process.removeListener("SIGINT", other);
    }
  });
});
