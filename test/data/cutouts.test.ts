import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "#lib/core/errors";
import { type CutoutService, cutoutServices, fetchCutouts } from "#lib/data/cutouts";
import { openGalaxy10 } from "#lib/data/galaxy10";
import { ensureFiles, fetchFiles, remoteGalaxy10 } from "#lib/data/remote";
import { unzipFiles } from "#lib/io/unzip";

describe("data over the network", () => {
  let server: Server;
  let base = "";
  let folder = "";
  let asked: string[] = [];
  before(async () => {
    const photo = await readFile("test/fixtures/data/folder/spiral/photo.jpg");
    const fits = await readFile("test/fixtures/data/fits/cube.fits");
    const galaxies = await readFile("test/fixtures/data/galaxy10_contiguous.h5");
    server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://localhost");
      asked.push(url.pathname + url.search);
      if (url.pathname.endsWith(".h5")) response.end(galaxies);
      else if (url.searchParams.get("ra") === "1") response.writeHead(404).end();
      else if (url.searchParams.get("ra") === "2") response.end("not an image");
      else response.end(url.searchParams.get("format") === "fits" ? fits : photo);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());
  beforeEach(async () => {
    asked = [];
    folder = await mkdtemp(join(tmpdir(), "network-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const service: CutoutService = {
    url: ({ ra, dec, size, format }) =>
      `${base}/?ra=${ra}&dec=${dec}&size=${size}&format=${format}`,
    pixelScale: 0.3,
    perSecond: 100,
  };
  const catalog = { id: ["a", "b", "c", "d"], ra: [0, 1, 2, 3], dec: [5, 6, 7, 8] };
  const quick = { service, attempts: 2, backOff: 1 };

  it("fetches cut-outs, lists failures, and repeats only what is missing", async () => {
    const report = await fetchCutouts(catalog, folder, quick);
    assert.deepEqual([report.fetched, report.kept], [2, 0]);
    assert.deepEqual(report.failures.map((f) => f.id).sort(), ["b", "c"]);
    assert.deepEqual((await readdir(folder)).sort(), ["a.jpg", "d.jpg", "failures.csv"]);
    const list = await readFile(join(folder, "failures.csv"), "utf8");
    assert.match(list, /^id,ra,dec,reason\n/);
    assert.match(list, /b,1,6,.*404/);
    assert.match(list, /c,2,7,.*not an image/);
    assert.ok(asked.includes("/?ra=3&dec=8&size=256&format=jpg"));
    asked = [];
    const again = await fetchCutouts({ id: ["a", "d"], ra: [0, 3], dec: [5, 8] }, folder, quick);
    assert.deepEqual([again.fetched, again.kept, asked.length], [0, 2, 0]);
    assert.ok(!existsSync(join(folder, "failures.csv")));
  });

  it("fetches FITS, at the rate asked for", async () => {
    const start = performance.now();
    const slow = { ...service, perSecond: 10 };
    const report = await fetchCutouts(
      { id: ["a", "b", "c"], ra: [0, 3, 4], dec: [0, 0, 0] },
      folder,
      { service: slow, format: "fits", attempts: 1 },
    );
    assert.equal(report.fetched, 3);
    assert.ok(performance.now() - start > 190);
  });

  it("refuses rows that cannot be asked for", async () => {
    const row = (id: string, ra: number, dec: number) =>
      fetchCutouts({ id: ["x", id], ra: [1, ra], dec: [1, dec] }, folder, quick);
    await assert.rejects(row("../x", 1, 1), /Row 2 .*'..\/x' is no file name/);
    await assert.rejects(row("x", 1, 1), /twice/);
    await assert.rejects(row("y", Number.NaN, 1), /ra NaN, dec 1 are no position/);
  });

  it("knows the addresses of the surveys", () => {
    const request = { ra: 150.1, dec: 2.2, size: 256, pixelScale: 0.262, format: "jpg" } as const;
    for (const { url } of Object.values(cutoutServices)) {
      for (const format of ["jpg", "fits"] as const) {
        const address = new URL(url({ ...request, format }));
        assert.equal(address.protocol, "https:");
        assert.equal(address.searchParams.get("ra"), "150.1");
      }
    }
  });

  it("downloads a data set of one file, then opens it from there", async () => {
    const info = { name: "mine", title: "", description: "", size: "", source: "", license: "" };
    const file = { url: `${base}/galaxies.h5` };
    const source = remoteGalaxy10(
      info,
      file,
      Array.from({ length: 10 }, (_, i) => `class ${i}`),
    );
    const set = await source.open(folder);
    assert.deepEqual([set.name, set.size, set.classNames[9]], ["mine", 11, "class 9"]);
    await set.close();
    await (await source.open(folder)).close();
    assert.equal(asked.length, 1);
    await source.get(folder);
    const path = join(folder, "mine", "galaxies.h5");
    await (await openGalaxy10(path)).close();
    await writeFile(path, "changed");
    await ensureFiles([file], join(folder, "mine"));
    await assert.rejects(fetchFiles([file], join(folder, "mine")), /its SHA-256 is not/);
  });

  it("unpacks the images of an archive, once, flat, and nothing else", async () => {
    const archive = "test/fixtures/data/images.zip";
    assert.equal(await unzipFiles(archive, folder, /\.jpg$/), 2);
    assert.deepEqual((await readdir(folder)).sort(), ["1.jpg", "2.jpg"]);
    const photo = await readFile("test/fixtures/data/folder/spiral/photo.jpg");
    assert.deepEqual(await readFile(join(folder, "1.jpg")), photo);
    await writeFile(join(folder, "2.jpg"), "cut off");
    await unzipFiles(archive, folder, /\.jpg$/);
    assert.deepEqual(await readFile(join(folder, "2.jpg")), photo);
    await writeFile(join(folder, "half.zip"), (await readFile(archive)).subarray(0, 900));
    await assert.rejects(unzipFiles(join(folder, "half.zip"), folder, /\.jpg$/), UserError);
  });
});
