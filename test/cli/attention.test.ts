import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { makeGalaxy } from "#lib/data/simulator";
import { temporaryFolder } from "../train/support";
import { tuningFork, tuningForkHere } from "./support";

const root = join(__dirname, "../..");
const weights = join(root, "test/fixtures/models/test_vit/weights.safetensors");

describe("tuning-fork attention", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  const words = ["attention", "--model", "test_vit", "--weights", weights, "--classes", "5"];
  const attention = (...args: string[]) => tuningForkHere(...words, ...args);

  it("asks weights of others what their task is, and refuses one that is not there", async () => {
    const asked = ["--image", "a.png", "--task", "poetry", "--out", "x"];
    const { code, error } = await attention(...asked);
    assert.equal(code, 1);
    assert.match(error, /there is no task "poetry".*classification, votes/s);
  });

  it("writes overlays, maps, heads and a contact sheet", async () => {
    const images = [];
    for (const [i, side] of [48, 80].entries()) {
      const path = join(folder.path, `galaxy ${i}.png`);
      const raw = { width: side, height: side, channels: 3 } as const;
      await sharp(makeGalaxy(1, i, side).image, { raw })
        .png()
        .toFile(path);
      images.push(path);
    }
    const out = join(folder.path, "maps");
    const {
      code,
      out: said,
      error,
    } = tuningFork(...words, "--image", ...images, "--class", "2", "--out", out);
    assert.equal(code, 0, error);
    assert.match(said, /2 images/);
    const expected = ["galaxy 0", "galaxy 1"].flatMap((name) => [
      `${name}-heads.npy`,
      ...["attention", "relevance", "rollout"].flatMap((m) => [
        `${name}-${m}.npy`,
        `${name}-${m}.png`,
      ]),
    ]);
    assert.deepEqual(readdirSync(out).sort(), [...expected, "sheet.png"].sort());
    const heads = readFileSync(join(out, "galaxy 0-heads.npy")).toString("latin1");
    assert.match(heads, /'shape': \(2, 2, 4, 4\)/);
    const { width, height } = await sharp(join(out, "galaxy 1-rollout.png")).metadata();
    assert.deepEqual([width, height], [448, 448]);

    const middle = join(folder.path, "middle");
    const cropped = await attention(
      "--image",
      images[1],
      "--class",
      "2",
      "--crop",
      "40",
      "--out",
      middle,
    );
    assert.equal(cropped.code, 0, cropped.error);
    const [whole, part] = [out, middle].map((path) =>
      readFileSync(join(path, "galaxy 1-rollout.npy")),
    );
    assert.notDeepEqual(part, whole);
  });

  it("names what is wrong before it writes anything", async () => {
    const out = join(folder.path, "none");
    for (const [args, message] of [
      [["--out", out], /--image is missing/],
      [["--image", "nowhere.png", "--out", out], /nowhere\.png: no such file/],
      [["--image", weights, "--out", out], /not an image file/],
      [["--image", weights], /--out is missing/],
    ] as const) {
      const { code, error } = await attention(...args);
      assert.equal(code, 1);
      assert.match(error, message);
    }
    assert.ok(!existsSync(out));
  });
});
