import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectParquet } from "#lib/cluster/collect-parquet";
import { estimatePlan } from "#lib/cluster/estimate-plan";
import { partsOfIds, partsOfTable } from "#lib/cluster/part-rows";
import { createPlan, type Plan } from "#lib/cluster/plan";
import { planKinds } from "#lib/cluster/registry";
import { shardPlan } from "#lib/cluster/shard-plan";
import { makeFolder } from "#lib/io/atomic";
import { openParquet } from "#lib/io/parquet-read";
import { writeParquet } from "#lib/io/parquet-write";
import { readTable } from "#lib/io/table-file";
import { temporaryFolder } from "../train/support";

describe("parts of a table", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const ids = ["a", "b, with a comma", 'c "quoted"', "4", "5.0", "é", "g"];
  const planOf = (name: string, ending: string, args = ["embed"]): Plan => {
    makeFolder(join(folder.path, name, "parts"));
    return createPlan(
      shardPlan(
        { args, parts: partsOfIds(ids, 3), inputs: ["x"], ending },
        join(folder.path, name),
      ),
    );
  };
  const rowsOf = (plan: Plan) =>
    plan.units.map(({ args }) => {
      const [k, n] = args[args.indexOf("--shard") + 1].split("/").map(Number);
      return ids.slice(Math.floor(((k - 1) * ids.length) / n), Math.floor((k * ids.length) / n));
    });

  it("are units of equal size, whose keys change with what they are made of", () => {
    const plan = planOf("units", "csv", ["predict", "--run", "r"]);
    assert.deepEqual(
      plan.units.map(({ rows }) => rows?.count),
      [2, 2, 3],
    );
    const text = rowsOf(plan)[0].map((id) => `${id}\n`);
    assert.equal(plan.units[0].rows?.ids, createHash("sha256").update(text.join("")).digest("hex"));
    const keys = (inputs: unknown, own = ids) =>
      shardPlan(
        { args: ["predict"], parts: partsOfIds(own, 3), inputs, ending: "csv" },
        "f",
      ).units.map(({ key }) => key);
    assert.deepEqual(keys(1), keys(1));
    assert.ok(keys(1).every((key, i) => key !== keys(2)[i]));
    const moved = keys(1, ["z", ...ids.slice(1)]);
    assert.deepEqual(
      moved.map((key, i) => key === keys(1)[i]),
      [false, true, true],
    );
    assert.throws(() => partsOfIds(ids, 8), /7 galaxies make no 8 parts/);
  });

  it("of a catalog are told by its ids alone, of which none may be there twice", async () => {
    const table = join(folder.path, "catalog.csv");
    const parquet = join(folder.path, "catalog.parquet");
    const write = async (own: readonly string[]) => {
      writeFileSync(
        table,
        `path,id

${own
  .map(
    (id) => `x,"${id.replaceAll('"', '""')}"
`,
  )
  .join("")}`,
      );
      const half = own.length >> 1;
      const pieces = [{ id: own.slice(0, half) }, { id: own.slice(half) }];
      await writeParquet(parquet, { id: "text" }, pieces);
    };
    await write(ids);
    for (const path of [table, parquet]) {
      assert.deepEqual(await partsOfTable(path, 3), partsOfIds(ids, 3));
      await assert.rejects(partsOfTable(path, 8), /7 galaxies make no 8 parts/);
    }
    await write([...ids, "5"]);
    // As programs that read 5 as a number write it.
    await assert.rejects(partsOfTable(table, 3), /catalog\.csv, row 10: .*"5".* row 7/);
    await assert.rejects(partsOfTable(parquet, 3), /catalog\.parquet, row 8: .*"5".* row 5/);
  });

  it("of text become one, each galaxy once; of a damaged one nothing is written", async () => {
    const plan = planOf("csv", "csv");
    const quoted = (id: string) => `"${id.replaceAll('"', '""')}"`;
    const lines = rowsOf(plan).map((own) => own.map((id) => `${quoted(id)},x,0.5\n`));
    const write = (i: number, rows: readonly string[], header = "id,label,p_x\n") =>
      writeFileSync(plan.units[i].output, header + rows.join(""));
    for (const [i, own] of lines.entries()) write(i, own);
    const collect = (out: string) =>
      planKinds.shards.collect({ path: folder.path } as never, plan, out);
    for (const out of ["all.csv", "all.parquet"].map((name) => join(folder.path, name))) {
      for (const [i, own] of lines.entries()) write(i, own);
      assert.match((await collect(out)).says, /^7 galaxies/);
      const { columns } = await readTable(out, { id: "text", label: "text", p_x: "number" });
      assert.deepEqual(columns.id, ids);
      assert.deepEqual([columns.label[6], columns.p_x[6]], ["x", 0.5]);
      const before = readFileSync(out);

      write(1, lines[1].slice(1));
      await assert.rejects(collect(out), /has 1 galaxies of the 2 of shard-2-of-3: it was cut/);
      write(1, lines[0]);
      await assert.rejects(collect(out), /not about the galaxies of shard-2-of-3/);
      write(1, lines[1], "id,label,p_y\n");
      await assert.rejects(collect(out), /has other columns than .*shard-1-of-3/);
      write(1, [...lines[1].slice(0, 1), '"b, wi']);
      await assert.rejects(collect(out), /a quote is opened and never closed|cut off/);
      assert.deepEqual(readFileSync(out), before);
    }
    await assert.rejects(collect("all.fits"), /does not end in \.csv or \.parquet/);
  });

  it("of features become one, of one model alone", async () => {
    const plan = planOf("parquet", "parquet", ["embed", "--float16"]);
    const rows = rowsOf(plan);
    const types = { id: "text", f0: "float16", f1: "float16" } as const;
    const write = (i: number, own: readonly string[], metadata = { model: "m" }) => {
      const piece = {
        id: [...own],
        f0: Float64Array.from(own, (id) => ids.indexOf(id) / 4),
        f1: Float64Array.from(own, () => -1),
      };
      return writeParquet(plan.units[i].output, types, [piece], { metadata });
    };
    for (const [i, own] of rows.entries()) await write(i, own);
    const out = join(folder.path, "all.parquet");
    assert.equal(await collectParquet(plan, out), ids.length);
    const file = await openParquet(out);
    assert.equal(file.metadata.model, "m");
    const found: string[] = [];
    for await (const { columns } of file.groups({ id: "text", f0: "number" })) {
      found.push(...Array.from(columns.id as string[], (id, i) => `${id} ${columns.f0[i]}`));
    }
    await file.close();
    assert.deepEqual(
      found,
      ids.map((id, i) => `${id} ${i / 4}`),
    );
    await write(2, rows[2].slice(1));
    await assert.rejects(
      collectParquet(plan, join(folder.path, "not.parquet")),
      /2 galaxies of the 3/,
    );
    await write(2, rows[2], { model: "other" });
    await assert.rejects(
      collectParquet(plan, join(folder.path, "not.parquet")),
      /of another model/,
    );
    assert.ok(!existsSync(join(folder.path, "not.parquet")));
  });

  it("are counted before they are made", () => {
    const measured = { rate: 100, startSeconds: 36, bytesRead: 4000, bytesWritten: 80 };
    const estimate = estimatePlan({ galaxies: 1e8, atOnce: 8, ...measured });
    // 10⁸ at 100 a second are 277.8 h: 278 parts of an hour, 35 after another at each of 8 places.
    assert.equal(estimate.shards, 278);
    assert.ok(Math.abs(estimate.hours - (1e6 + 278 * 36) / 3600) < 1e-9);
    assert.ok(Math.abs(estimate.hoursToWait / (35 * 1.01) - 1) < 0.01);
    assert.deepEqual([estimate.bytesRead, estimate.bytesWritten], [4e11, 8e9]);
    assert.equal(estimatePlan({ galaxies: 10, shards: 50, ...measured }).shards, 10);
    assert.equal(estimatePlan({ galaxies: 1000, atOnce: 4, ...measured }).shards, 4);
  });
});
