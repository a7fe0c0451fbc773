import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");

/** Names that were made up here, and the field's own in their place. */
const madeUp: Readonly<Record<string, string>> = {
  recorder: "Tracer",
  standIn: "symbolic tensor",
  refusal: "TracingError",
  heldBack: "controlDependency",
  recomputed: "rematerialize",
  inFloat32: "withoutAutocast",
  fitsUnit: "HDU",
  framing: "crop, resize",
  shareOut: "assignSplits",
  fingerprint: "perceptual hash",
  surroundings: "context",
  selectBy: "monitor",
  evaluateEvery: "validationInterval",
  writeFileWhole: "writeFileAtomic",
  learningRateShare: "learningRateFactor",
  enlarge: "upsample",
};

const british = new RegExp(
  [
    ...[
      "colou?red?ness",
      "colour",
      "neighbour",
      "behaviour",
      "favour",
      "honour",
      "labour",
      "armour",
    ],
    ...[
      "labell(ed|ing)",
      "modell(ed|ing)",
      "cancell(ed|ing)$",
      "travell(ed|ing)",
      "signall(ed|ing)",
    ],
    ...["centre", "metre", "litre", "fibre", "grey", "catalogue", "dialogue", "licence", "defence"],
    ...["artefact", "analyse", "ageing", "judgement", "programme($|[A-Z])"],
    `(optim|normal|initial|standard|visual|summar|organ|recogn|minim|maxim|regular|quant|serial|synchron|token|vector|factor|parametr|categor|character|emphas|util|equal|penal|local|general|discret|binar|special|material|final|random|rasteri|memo)is(e|er|ed|ing|ation)`,
  ].join("|"),
  "i",
);

/** Names of other libraries: Python's, sharp's. */
const foreign = new Set(["CancelledError", "toColourspace"]);

/** Where a British key is told the right one, and where a file of others has it. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  "lib/train/settings.ts": ["optimiser", "colour", "selectBy", "evaluateEvery"],
  "lib/data/augment.ts": ["colour", "colourjitter"],
  "test/train/config.test.ts": ["optimiser", "selectBy", "evaluateEvery"],
  "test/data/augment.test.ts": ["colour"],
  "test/data/fits.test.ts": ["CATALOGUE"],
  "test/types/train.ts": ["optimiser"],
  "test/entries/words.test.ts": Object.keys(madeUp),
};

const files = execFileSync("git", ["ls-files", "lib", "test", "tools", "demo", "kernel"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((name) => name !== "");

/** The names in a file's code: no comments, no strings. */
function identifiersOf(file: string): Set<string> {
  const code = readFileSync(join(ROOT, file), "utf8")
    .replace(/\/\*[\s\S]*?\*\/|"""[\s\S]*?"""/g, " ")
    .replace(file.endsWith(".py") ? /#.*/g : /(^|\s)\/\/.*/gm, " ")
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, " ");
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}

function rightWord(name: string): string | undefined {
  const lower = name.toLowerCase();
  const own = Object.keys(madeUp).find((word) => word.toLowerCase() === lower);
  if (own !== undefined) return madeUp[own];
  return british.test(name) ? "American spelling" : undefined;
}

describe("words", () => {
  it("in code are the field's own, in American spelling", () => {
    const wrong = files
      .filter((file) => /\.(ts|tsx|mjs|cjs|js|py)$/.test(file))
      .flatMap((file) =>
        [...identifiersOf(file)]
          .filter(
            (name) => rightWord(name) && !foreign.has(name) && !exceptions[file]?.includes(name),
          )
          .map((name) => `${file}: ${name} → ${rightWord(name)}`),
      );
    assert.deepEqual(wrong, []);
  });

  it("in names of files, too", () => {
    const wrong = files.filter((file) => {
      const name = basename(file).replace(/\..*$/, "");
      return rightWord(name.replace(/[-_](\w)/g, (_, letter) => letter.toUpperCase()));
    });
    assert.deepEqual(wrong, []);
  });
});
