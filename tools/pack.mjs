/**
 * `npm run pack -- [--to FOLDER]`: the built library as one file that `npm i FILE.tgz` installs in any folder.
 *
 * tfjs-node-gpu goes along inside it: its sources, from which set-up compiles the binding, without its install
 * script, which would fetch a library of half a gigabyte that nobody has a digest of.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { failWith } from "../lib/setup/set-up.mjs";
import { inPackage, StepError } from "../lib/setup/step.mjs";
import { inRepository } from "./repository.mjs";

const BUNDLED = "@tensorflow/tfjs-node-gpu";
/** What only its install script needs. */
const FOR_INSTALL = ["adm-zip", "https-proxy-agent", "rimraf", "tar"];

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const writeJson = (path, content) => writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);

/** The folder that npm packs: what is listed in the package's `files`, and the bundled package. */
function stage(folder) {
  for (const name of ["bin", "dist", "setup", "weights"])
    cpSync(inRepository("lib", name), join(folder, name), { recursive: true });
  cpSync(inRepository("LICENSE"), join(folder, "LICENSE"));
  const from = inPackage(BUNDLED);
  const to = join(folder, "node_modules", BUNDLED);
  for (const name of ["binding", "dist"])
    cpSync(join(from, name), join(to, name), {
      recursive: true,
      filter: (path) => !path.includes("_test."),
    });
  const { scripts, devDependencies, ...bundled } = readJson(join(from, "package.json"));
  for (const name of FOR_INSTALL) delete bundled.dependencies[name];
  // Without `gypfile: false` npm would compile it while it installs.
  writeJson(join(to, "package.json"), { ...bundled, gypfile: false });

  const manifest = readJson(inRepository("lib", "package.json"));
  writeJson(join(folder, "package.json"), {
    ...manifest,
    // npm installs nothing that a bundled package asks for.
    dependencies: { ...manifest.dependencies, ...bundled.dependencies },
    bundleDependencies: [BUNDLED],
  });
}

/** @returns the path of the packed file */
function pack(to) {
  if (!existsSync(inRepository("lib", "dist", "index.js")))
    throw new StepError("the library is not built", "run `npm run build` first");
  mkdirSync(to, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "tuning-fork-pack-"));
  try {
    stage(folder);
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", to];
    const { status, stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new StepError(`npm pack failed:\n${stderr}`, "mend what it names");
    return join(to, JSON.parse(stdout)[0].filename);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

try {
  const { values } = parseArgs({ options: { to: { type: "string", default: "." } } });
  console.log(pack(resolve(values.to)));
} catch (error) {
  failWith(error);
}
