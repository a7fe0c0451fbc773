import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startEngine } from "#lib/engine/start";
import { EVENT_FILE, EventFile, maskedCrc32c } from "#lib/io/event-file";
import { createModel } from "#lib/models/registry";
import { createTask } from "#lib/tasks/registry";
import { parseConfig, trainConfigSchema } from "#lib/train/config";
import { fit as trainModel } from "#lib/train/fit";
import { RunFolder } from "#lib/train/run-folder";
import type { Tracker } from "#lib/train/tracker";
import { rowsOf, temporaryFolder, tinyDataset } from "../train/support";

type Fields = Map<number, (number | Uint8Array)[]>;

/** The protocol buffers wire format, read back by a reader of the test's own. */
function parseMessage(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    let value: number | Uint8Array;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) {
      value = view.getFloat64(at, true);
      at += 8;
    } else if ((key & 7) === 5) {
      value = view.getFloat32(at, true);
      at += 4;
    } else {
      const length = varint();
      value = bytes.subarray(at, at + length);
      at += length;
    }
    fields.set(key >>> 3, [...(fields.get(key >>> 3) ?? []), value]);
  }
  return fields;
}

const inner = (fields: Fields, field: number) => parseMessage(fields.get(field)?.[0] as Uint8Array);
const text = (fields: Fields, field: number) =>
  Buffer.from(fields.get(field)?.[0] as Uint8Array).toString("utf8");

/** The records of all event files of a folder, their checksums checked. */
function readEvents(folder: string): Fields[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(EVENT_FILE));
  return names.sort().flatMap((name) => {
    const bytes = readFileSync(join(folder, name));
    const events: Fields[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at));
      assert.equal(bytes.readUInt32LE(at + 8), maskedCrc32c(bytes.subarray(at, at + 8)));
      const data = bytes.subarray(at + 12, at + 12 + length);
      assert.equal(bytes.readUInt32LE(at + 12 + length), maskedCrc32c(data));
      events.push(parseMessage(data));
      at += length + 16;
    }
    return events;
  });
}

/** tag → step → the summary's value. */
function summaries(folder: string): Record<string, Record<number, Fields>> {
  const found: Record<string, Record<number, Fields>> = {};
  for (const event of readEvents(folder)) {
    if (!event.has(5)) continue;
    const value = inner(inner(event, 5), 1);
    const tag = text(value, 1);
    found[tag] ??= {};
    found[tag][(event.get(2)?.[0] as number | undefined) ?? 0] = value;
  }
  return found;
}

describe("event file", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  before(() => startEngine());
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("has the checksum of RFC 3720", () => {
    const unmask = (masked: number) => {
      const rotated = (masked - 0xa282ead8) >>> 0;
      return ((rotated >>> 17) | (rotated << 15)) >>> 0;
    };
    assert.equal(unmask(maskedCrc32c(Buffer.from("123456789"))), 0xe3069283);
    assert.equal(unmask(maskedCrc32c(new Uint8Array(32))), 0x8a9136aa);
    assert.equal(unmask(maskedCrc32c(new Uint8Array(32).fill(255))), 0x62a8ab43);
  });

  it("holds what was written", () => {
    const file = new EventFile(folder.path);
    file.scalar("loss/train", 3, 0.5);
    file.text("note", 300, "| a | ü |");
    file.close();
    const [head] = readEvents(folder.path);
    assert.equal(text(head, 3), "brain.Event:2");
    assert.ok(Math.abs((head.get(1)?.[0] as number) - Date.now() / 1000) < 60);
    const found = summaries(folder.path);
    assert.deepEqual(found["loss/train"][3].get(2), [0.5]);
    assert.equal(text(inner(found.note[300], 8), 8), "| a | ü |");
    assert.equal(text(inner(inner(found.note[300], 9), 1), 1), "text");
  });

  const dataset = tinyDataset();
  const train = async (path: string, epochs: number, trackers?: Tracker[]) => {
    const config = parseConfig(trainConfigSchema, { epochs, batchSize: 16 });
    const model = createModel("test_custom_cnn", { numClasses: 2 });
    const run = new RunFolder(path);
    try {
      const rows = { train: rowsOf(0, 48), val: rowsOf(48, 64) };
      const inputs = { model, task: createTask(dataset), dataset, ...rows };
      return await trainModel(inputs, config, run, { trackers });
    } finally {
      model.dispose();
    }
  };

  it("follows a run: curves, confusion matrix, samples", async () => {
    const path = join(folder.path, "run");
    const { history } = await train(path, 2);
    const found = summaries(path);
    for (const epoch of [1, 2]) {
      const value = found["loss/validation"][epoch].get(2)?.[0];
      assert.equal(value, Math.fround(history.valLoss[epoch - 1]));
    }
    const { default: sharp } = await import("sharp");
    for (const [tag, width, height] of [
      ["confusion matrix", 320, 320],
      ["samples", 8 * 38, 2 * 38],
    ] as const) {
      const image = inner(found[tag]?.[2] ?? new Map(), 4);
      assert.deepEqual([image.get(2), image.get(1)], [[width], [height]]);
      const png = await sharp(Buffer.from(image.get(4)?.[0] as Uint8Array)).metadata();
      assert.deepEqual([png.format, png.width, png.height], ["png", width, height]);
    }
    assert.match(text(inner(found.config[0], 8), 8), /\| epochs \| 2 \|/);

    const before = readdirSync(path).filter((name) => name.startsWith(EVENT_FILE));
    await train(path, 2);
    const after = readdirSync(path).filter((name) => name.startsWith(EVENT_FILE));
    assert.deepEqual(after, before, "a finished run writes nothing more");
    new RunFolder(path).clear();
    await train(path, 1);
    assert.deepEqual(Object.keys(summaries(path)["loss/train"]), ["1"], "begun anew");
  });

  it("tells trackers of the run, and goes on without one that fails", async () => {
    const told: string[] = [];
    const tracker: Tracker = {
      begin: async () => void told.push("begin"),
      epoch: async ({ epoch, validation }) =>
        void told.push(`epoch ${epoch} ${validation?.table.ids.length}`),
      end: async (status) => void told.push(status),
    };
    const failing: Tracker = {
      ...tracker,
      begin: async () => {},
      epoch: async () => {
        throw new Error("the server is gone");
      },
      end: async () => assert.fail("a tracker that failed is left alone"),
    };
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    await train(join(folder.path, "a"), 2, [failing, tracker]);
    assert.deepEqual(told, ["begin", "epoch 1 16", "epoch 2 16", "finished"]);
    assert.match((await warned).message, /goes on without its log: the server is gone/);

    const refusing = { ...tracker, begin: async () => assert.fail("no server") };
    await assert.rejects(train(join(folder.path, "b"), 1, [tracker, refusing]), /no server/);
    assert.equal(told.at(-1), "failed");
  });
});
