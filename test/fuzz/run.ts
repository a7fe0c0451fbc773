/**
 * `npm run fuzz -- [--reader NAME] [--mutants N] [--seed S]`: feed damaged files to the readers, and say
 * what became of them. A fault names the reader and the seed: `--mutants 1 --seed THAT` repeats it.
 */
import { parseArgs } from "node:util";
import { Fuzzer } from "./driver";
import { readers } from "./readers";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      reader: { type: "string" },
      mutants: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
    },
  });
  const names = values.reader === undefined ? Object.keys(readers) : values.reader.split(",");
  for (const name of names) {
    if (!Object.hasOwn(readers, name)) {
      console.error(
        `✗ there is no reader "${name}"\n  → take some of ${Object.keys(readers).join(", ")}`,
      );
      process.exitCode = 1;
      return;
    }
  }
  const fuzzer = new Fuzzer();
  for (const name of names) {
    const from = performance.now();
    const { read, refused, faults } = await fuzzer.run(
      name,
      Number(values.mutants),
      Number(values.seed),
    );
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    for (const fault of faults) console.log(`✗ ${fault}`);
    console.log(
      `${faults.length === 0 ? "✓" : "✗"} ${name}: ${read} read, ${refused} refused, ${faults.length} faults, ${seconds} s`,
    );
    if (faults.length > 0) process.exitCode = 1;
  }
  fuzzer.close();
}

main();
