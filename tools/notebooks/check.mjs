/**
 * Check notebooks before they are committed: no outputs, the right kernel, and every cell passes
 * the project's own strict TypeScript, which sees more than the kernel's.
 *
 *     node tools/notebooks/check.mjs [NOTEBOOK …]            all of notebooks/ when none is named
 *     node tools/notebooks/check.mjs --clear [NOTEBOOK …]    take the outputs out first
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "../repository.mjs";
import { asModule, codeCells } from "./cells.mjs";

/** tslab's target and libraries, the project's strictness. */
const COMPILER_OPTIONS = {
  target: "es2022",
  lib: ["es2022"],
  module: "esnext",
  moduleResolution: "bundler",
  types: ["node"],
  strict: true,
  noFallthroughCasesInSwitch: true,
  skipLibCheck: true,
  resolveJsonModule: true,
  noEmit: true,
};

/** @returns the project's notebooks, in order. */
export function allNotebooks(root = ROOT) {
  const folder = join(root, "notebooks");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ipynb"))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Check notebooks.
 *
 * @param paths Notebook files.
 * @returns one line a problem: file, cell, line and what is wrong; empty when all is well.
 */
export function checkNotebooks(paths, root = ROOT) {
  const problems = [];
  const modules = [];
  for (const path of paths) {
    const name = basename(path);
    let notebook;
    try {
      notebook = JSON.parse(readFileSync(path, "utf8"));
    } catch (error) {
      problems.push(`${name}: not a readable notebook: ${error.message}`);
      continue;
    }
    problems.push(...cleanliness(notebook).map((problem) => `${name}: ${problem}`));
    const module = asModule(codeCells(notebook));
    for (const { cell, line, name: what } of module.clashes) {
      problems.push(
        `${name}: cell ${cell}, line ${line}: "${what}" is imported from another module before`,
      );
    }
    modules.push({ name, ...module });
  }
  return [...problems, ...typeErrors(modules, root)];
}

/** Take out of a notebook what running it put in. */
export function clearNotebook(path) {
  const text = readFileSync(path, "utf8");
  const notebook = JSON.parse(text);
  for (const cell of notebook.cells) {
    delete cell.metadata?.execution; // JupyterLab's timing
    if (cell.cell_type === "code") Object.assign(cell, { execution_count: null, outputs: [] });
  }
  const cleared = `${JSON.stringify(notebook, null, 1)}\n`; // as Jupyter itself writes it
  if (cleared !== text) writeFileSync(path, cleared);
}

/** Characters of a line of code that JupyterLab shows in a window of 1280 pixels, its file browser open. */
const LONGEST_LINE = 106;

/** What must not be committed. */
function cleanliness(notebook) {
  const problems = [];
  const kernel = notebook.metadata?.kernelspec?.name;
  if (kernel !== "tslab") problems.push(`its kernel is "${kernel}"; expected "tslab"`);
  let number = 0;
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code") continue;
    number++;
    const ran = cell.execution_count !== null && cell.execution_count !== undefined;
    if (ran || cell.outputs?.length > 0) {
      problems.push(`cell ${number} holds outputs or an execution count; --clear takes them out`);
    }
    const lines = [cell.source].flat().join("").split("\n");
    lines.forEach(({ length }, i) => {
      if (length <= LONGEST_LINE) return;
      problems.push(
        `cell ${number}, line ${i + 1} has ${length} characters, and ${LONGEST_LINE} are seen in a small window; break it`,
      );
    });
  }
  return problems;
}

function typeErrors(modules, root) {
  if (modules.length === 0) return [];
  // Inside the project, so that packages are found as from a notebook.
  mkdirSync(join(root, ".tuning-fork"), { recursive: true });
  const folder = mkdtempSync(join(root, ".tuning-fork", "notebook-check-"));
  try {
    modules.forEach(({ text }, i) => {
      writeFileSync(join(folder, `${i}.ts`), text);
    });
    const files = modules.map((_, i) => `${i}.ts`);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }),
    );
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [compiler, "--project", folder, "--pretty", "false"],
      { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 },
    );
    const problems = stdout.split("\n").map((line) => toCell(line, modules));
    const found = problems.filter((problem) => problem !== "");
    if (status !== 0 && found.length === 0) found.push(`the compiler failed: ${stderr}`);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `3.ts(12,5): error …` → `name.ipynb: cell 2, line 4, column 5: error …` */
function toCell(line, modules) {
  const match = /^(\d+)\.ts\((\d+),(\d+)\): (.*)$/.exec(line);
  if (!match) return line;
  const { name, origins } = modules[Number(match[1])];
  const origin = origins[Number(match[2]) - 1];
  const where = origin ? `cell ${origin.cell}, line ${origin.line}, column ${match[3]}` : "the end";
  return `${name}: ${where}: ${match[4]}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2).filter((word) => word !== "--clear");
  const paths = named.length > 0 ? named : allNotebooks();
  if (process.argv.includes("--clear")) for (const path of paths) clearNotebook(path);
  const problems = checkNotebooks(paths);
  for (const problem of problems) console.error(problem);
  console.log(`${paths.length} notebooks checked, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
