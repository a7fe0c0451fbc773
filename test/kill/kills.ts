/** `npm run kills -- [--count 50] [--seed 1] [--work NAME]`: the kills of the test, many times each. */
import { parseArgs } from "node:util";
import { Random } from "#lib/core/random";
import { Killer } from "./driver";
import { works } from "./works";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    work: { type: "string" },
  },
});

async function main(): Promise<void> {
  const killer = new Killer();
  for (const name of Object.keys(works)) {
    if (values.work !== undefined && values.work !== name) continue;
    try {
      const random = new Random(Number(values.seed), name);
      const ends = await killer.kill(name, random, Number(values.count));
      console.log(`✓ ${name}: ${values.count} kills, ${ends} ends equal to an undisturbed run`);
    } catch (error) {
      console.log(`✗ ${name}:`, error);
      process.exitCode = 1;
    }
  }
  killer.close();
}

void main();
