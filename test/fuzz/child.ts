import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutant } from "./mutate";
import { readers } from "./readers";

/** What the child is told: which mutants of which reader, and where it may write. */
export interface FuzzTask {
  readonly reader: string;
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly folder: string;
}

/** What it says before and after each mutant. */
export type FuzzReport =
  | { readonly kind: "start"; readonly index: number }
  | {
      readonly kind: "end";
      readonly index: number;
      /** `read`, a clean error, or another one, which is told. */
      readonly outcome: "read" | "refused" | "other";
      readonly told: string;
      /** How far the memory rose meanwhile, MB. */
      readonly growth: number;
      /** How long the processor worked on it, ms. */
      readonly work: number;
    };

async function run({ reader, from, to, seed, folder }: FuzzTask): Promise<void> {
  const { file, seeds, read } = readers[reader];
  const files = await seeds();
  const path = join(folder, file);
  const say = (report: FuzzReport) => process.send?.(report);
  for (let index = from; index < to; index++) {
    writeFileSync(path, mutant(files, seed + index));
    say({ kind: "start", index });
    const { rss } = process.memoryUsage();
    const peak = process.resourceUsage().maxRSS;
    const before = process.cpuUsage();
    let outcome: "read" | "refused" | "other" = "read";
    let told = "";
    try {
      await read(path);
    } catch (error) {
      const { name, message = "", stack } = error as Error;
      // Two copies of the class may meet, so that the name decides.
      outcome = name === "UserError" ? "refused" : "other";
      told = outcome === "other" ? String(stack ?? error) : message;
    }
    const now = process.resourceUsage().maxRSS;
    const growth = now > peak ? (now * 1024 - rss) / 2 ** 20 : 0;
    const { user, system } = process.cpuUsage(before);
    say({ kind: "end", index, outcome, told, growth, work: (user + system) / 1000 });
    // Messages are sent between turns.
    if (index % 16 === 0) await new Promise(setImmediate);
  }
}

process.on("message", (task: FuzzTask) => {
  run(task).then(
    () => process.send?.("done"),
    (error: unknown) => process.send?.(`failed: ${error instanceof Error ? error.stack : error}`),
  );
});
