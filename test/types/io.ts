import { type CsvTable, download, readCsv, withLock } from "tuning-fork/io";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const table = await readCsv("a.csv", { id: "text", ra: "number" }, { optional: { z: "number" } });
  expectType<Same<typeof table, CsvTable>>();
  // @ts-expect-error: text or number
  await readCsv("a.csv", { id: "string" });
  // @ts-expect-error: which columns are wanted has to be said
  await readCsv("a.csv");
  await download("https://example.org/a", "a", { sha256: "0".repeat(64), stallTimeout: 60 });
  // @ts-expect-error: how long a silent server is waited for is stallTimeout
  await download("https://example.org/a", "a", { patience: 60 });
  const answer = await withLock("a.lock", "a", async () => 1);
  expectType<Same<typeof answer, number>>();
}
