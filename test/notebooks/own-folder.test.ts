import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { notebookOf, ROOT } from "../notebook/support";
import { temporaryFolder, writeClasses } from "../train/support";

const readJson = (...path: readonly string[]) => JSON.parse(readFileSync(join(...path), "utf8"));

interface SavedCell {
  readonly metadata: { readonly tags?: readonly string[] };
  readonly source: string | readonly string[];
  readonly outputs: readonly { readonly text: string | readonly string[] }[];
}

const text = (lines: string | readonly string[]) => [lines].flat().join("");
const lastPrinted = (cells: readonly SavedCell[]) => text(cells.at(-1)?.outputs[0].text ?? "");

/** What somebody studies who knows nothing of this repository. */
const CELLS = [
  "// What a rerun may change\nconst size: number = 3;\nconst name = 'hers';\nconst set: string[] = [];",
  `import { openExperiment, resultsFolder, startEngine, train } from "tuning-fork";
const mine = openExperiment({
  data: { spec: "../pictures", size: 16 }, model: { name: "test_custom_cnn" },
  train: { epochs: 1, batchSize: 8 },
}, { set, run: resultsFolder("mine") });`,
  `const engine = await startEngine();
await train(mine);`,
  `console.log(JSON.stringify({ size: size + 1, name, engine: engine.name, epochs: mine.config.train.epochs }));`,
];

describe("a folder of one's own, in which the packed library is installed", function () {
  this.timeout(300_000);
  const temporary = temporaryFolder();
  const folder = join(temporary.path, "my galaxies");
  const at = (...parts: readonly string[]) => join(folder, ...parts);
  const env = {
    ...process.env,
    JUPYTER_DATA_DIR: join(temporary.path, "home", "jupyter"),
    TF_CPP_MIN_LOG_LEVEL: "2",
  };
  const run = (command: string, ...args: readonly string[]) => {
    const cwd = at("notebooks");
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env, cwd });
    return { code: status, output: stdout + stderr };
  };
  const command = at("node_modules", "tuning-fork", "bin", "tuning-fork.js");
  const tuningFork = (...args: readonly string[]) => run(process.execPath, command, ...args);
  after(() => temporary.remove());

  before(async () => {
    const packed = spawnSync(
      process.execPath,
      [join(ROOT, "tools", "pack.mjs"), "--to", temporary.path],
      { encoding: "utf8" },
    );
    assert.equal(packed.status, 0, packed.stderr);
    install(packed.stdout.trim());
    borrowSetUp();
    await writeClasses(at("pictures"), { disk: 20, elliptical: 20 });
    mkdirSync(at("notebooks"));
    const notebook = JSON.parse(JSON.stringify(notebookOf(CELLS)));
    notebook.cells[0].metadata.tags = ["parameters"];
    writeFileSync(at("notebooks", "mine.ipynb"), JSON.stringify(notebook));
  });

  /** As `npm i FILE.tgz` does; the packages that it asks for, and only those, lead to the repository's. */
  function install(file: string): void {
    const own = at("node_modules", "tuning-fork");
    mkdirSync(own, { recursive: true });
    const unpacked = spawnSync("tar", ["xzf", file, "--strip-components=1", "-C", own]);
    assert.equal(unpacked.status, 0);
    assert.ok(
      existsSync(join(own, "weights", "p4m_resnet10_narrow.safetensors")),
      "shipped weights",
    );
    const bundled = join(own, "node_modules", "@tensorflow", "tfjs-node-gpu");
    // npm installs nothing that a bundled package asks for.
    const asked = Object.keys(readJson(own, "package.json").dependencies);
    for (const name of asked.filter((one) => !existsSync(join(own, "node_modules", one)))) {
      const link = at("node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, "node_modules", name), link);
    }
    assert.ok(!("scripts" in readJson(bundled, "package.json")), "nothing runs at installation");
    assert.ok(!existsSync(join(bundled, "deps")) && !existsSync(join(bundled, "lib")));
    const binding = join("@tensorflow", "tfjs-node-gpu", "lib", "napi-v8", "tfjs_binding.node");
    cpSync(join(ROOT, "node_modules", binding), join(own, "node_modules", binding));
    symlinkSync(join(ROOT, ".tuning-fork", "tensorflow"), join(bundled, "deps"));
  }

  /** What set-up would fetch and compile for minutes; what it writes is the folder's own. */
  function borrowSetUp(): void {
    for (const path of [".venv/bin", ".venv/etc", ".venv/pyvenv.cfg", ".tuning-fork/steps"])
      cpSync(join(ROOT, path), at(path), { recursive: true, verbatimSymlinks: true });
    mkdirSync(at(".venv/share/jupyter"), { recursive: true });
    const browser = readdirSync(join(ROOT, ".tuning-fork")).filter((name) =>
      /^browser-/.test(name),
    );
    for (const path of [
      ...browser.map((name) => `.tuning-fork/${name}`),
      ...[".venv/lib", ".venv/share/jupyter/labextensions", ".venv/share/jupyter/nbconvert"],
      ...[".tuning-fork/tensorflow", ".tuning-fork/quiet.node"],
    ])
      symlinkSync(join(ROOT, path), at(path));
    cpSync(join(ROOT, ".venv/share/jupyter/lab"), at(".venv/share/jupyter/lab"), {
      recursive: true,
    });
  }

  it("is set up, with a kernel for every Jupyter of the user", () => {
    const { code, output } = tuningFork("setup", "--kernel-user");
    assert.equal(code, 0, output);
    assert.match(output, /its programs are told where it is now/);
    const specs = [at(".venv", "share", "jupyter"), env.JUPYTER_DATA_DIR];
    for (const spec of specs) {
      const { argv } = readJson(spec, "kernels", "tslab", "kernel.json");
      assert.equal(argv[1], at("node_modules/tuning-fork/dist/kernel/start-kernel.js"));
      assert.ok(existsSync(argv[1]));
    }
    assert.ok(existsSync(at(".tuning-fork", "engine.json")));
    const again = tuningFork("setup");
    assert.match(again.output, /^Set up in .*my galaxies\. `npx tuning-fork lab`/);
  });

  it("runs a notebook that is not ours, with other parameters, results beside it", () => {
    const set = ["--set", "size=5", "--set", "name=true", "--set", "train.epochs=2"];
    const { code, output } = tuningFork("notebook", "mine", ...set, "--out", "out/mine.ipynb");
    assert.equal(code, 0, output);
    const { cells } = readJson(at("notebooks", "out", "mine.ipynb"));
    assert.deepEqual(cells[1].metadata.tags, ["injected-parameters"]);
    const said = JSON.parse(lastPrinted(cells));
    const { wanted: engine } = readJson(at(".tuning-fork", "engine.json"));
    assert.deepEqual(said, { size: 6, name: "true", engine, epochs: 2 });
    const history = readFileSync(at("results", "mine", "history.csv"), "utf8");
    assert.equal(history.trim().split("\n").length, 3, "a head and two epochs");
  });

  it("lets papermill set parameters", () => {
    const papermill = at(".venv", "bin", "papermill");
    const { code, output } = run(papermill, "mine.ipynb", "out/pm.ipynb", "-p", "size", "8");
    assert.equal(code, 0, output);
    const { cells } = readJson(at("notebooks", "out", "pm.ipynb"));
    const injected = (cells as SavedCell[]).find(({ metadata }) =>
      metadata.tags?.includes("injected-parameters"),
    );
    assert.match(text(injected?.source ?? ""), /^\/\/ Parameters\nlet size = 8;/);
    assert.match(lastPrinted(cells), /"size":9/);
  });

  it("serves JupyterLab with the kernel", async () => {
    const lab = spawn(process.execPath, [command, "lab"], { cwd: folder, env });
    const ended = once(lab, "exit");
    try {
      let output = "";
      const address = await new Promise<string>((done, fail) => {
        for (const stream of [lab.stdout, lab.stderr])
          stream.on("data", (chunk) => {
            output += chunk;
            const found = /http:\/\/127\.0\.0\.1:\d+\/lab\?token=\w+/.exec(output);
            if (found) done(found[0]);
          });
        lab.once("exit", () => fail(new Error(output)));
      });
      const ask = async (what: string) =>
        JSON.stringify(await (await fetch(address.replace("/lab?", `/api/${what}?`))).json());
      assert.match(await ask("kernelspecs"), /"display_name":"TypeScript \(tuning-fork\)"/);
      assert.match(await ask("contents/notebooks"), /"name":"mine\.ipynb"/);
    } finally {
      lab.kill("SIGTERM");
      await ended;
    }
  });
});
