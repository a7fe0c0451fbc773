import { strict as assert } from "node:assert";
import { CellOutputs } from "../../kernel/cell-outputs";
import { makeMessage } from "../../kernel/message";

interface Told {
  readonly id: string;
  readonly running: boolean;
  readonly outputs: readonly { readonly at: number; readonly output: Record<string, unknown> }[];
}

describe("what cells have shown", () => {
  const request = (session: string, cellId: string) => {
    const message = makeMessage("execute_request", {});
    return { ...message, header: { ...message.header, session }, metadata: { cellId } };
  };
  let told: Record<string, Told[]>;
  let outputs: CellOutputs;
  beforeEach(() => {
    told = {};
    outputs = new CellOutputs((comm, { cells }) => {
      told[comm] = [...(told[comm] ?? []), ...(cells as Told[])];
    });
  });
  afterEach(() => {
    for (const comm of Object.keys(outputs.comms)) outputs.close(comm);
  });
  const text = (name: string, value: string) => ({ name, text: value });
  const place = (value: string) => ({
    data: { "text/plain": value },
    metadata: {},
    transient: { display_id: "bar" },
  });

  it("is told to a page that comes, as a notebook keeps it, with what comes later", () => {
    const cell = request("first", "a");
    outputs.begin(cell, 1);
    outputs.keep("display_data", place("10 %"), cell);
    outputs.keep("stream", text("stdout", "one\n"), cell);
    outputs.keep("stream", text("stdout", "two\n"), cell);
    outputs.keep("update_display_data", place("20 %"), cell);
    outputs.open("second", "second");
    const [now] = told.second;
    assert.equal(now.running, true);
    assert.deepEqual(now.outputs, [
      {
        at: 0,
        output: { output_type: "display_data", data: { "text/plain": "20 %" }, metadata: {} },
      },
      { at: 1, output: { output_type: "stream", name: "stdout", text: "one\ntwo\n" } },
    ]);
    outputs.keep("update_display_data", place("30 %"), cell);
    outputs.end(cell);
    const [later, end] = told.second.slice(1);
    assert.deepEqual(
      later.outputs.map(({ at, output }) => [at, output.data]),
      [[0, { "text/plain": "30 %" }]],
    );
    assert.deepEqual([end.running, end.outputs], [false, []]);
  });

  it("is kept until a page has it to the end, whatever pages are gone", () => {
    outputs.open("gone", "gone");
    const cell = request("first", "a");
    outputs.begin(cell, 1);
    outputs.keep("stream", text("stdout", "one"), cell);
    outputs.end(cell);
    outputs.open("second", "second");
    assert.equal(told.second[0].outputs.length, 1);
    outputs.hear({ seen: "a" });
    outputs.open("third", "third");
    assert.equal(told.third, undefined);
  });

  it("is not told to the page that shows it anyway, nor kept of clients without cells", () => {
    outputs.open("own", "first");
    const cell = request("first", "a");
    outputs.begin(cell, 1);
    outputs.keep("stream", text("stdout", "one"), cell);
    outputs.end(cell);
    outputs.open("again", "first");
    const other = { ...request("papermill", "b"), metadata: {} };
    outputs.begin(other, 2);
    outputs.keep("stream", text("stdout", "two"), other);
    assert.deepEqual(told, {});
    assert.deepEqual(Object.keys(outputs.comms), ["own", "again"]);
  });
});
