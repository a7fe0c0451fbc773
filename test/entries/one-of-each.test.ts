import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(__dirname, "..", "..");

/** What is added: one new file, and one line of a list, before which its import stands. */
interface Addition {
  readonly file: string;
  readonly source: string;
  readonly list: string;
  readonly import: string;
  /** After this text of the list comes the line. */
  readonly after: string;
  readonly line: string;
}

const additions: Record<string, Addition> = {
  "data set": {
    file: "data/four-squares.ts",
    source: `
      import type { Dataset, DatasetInfo } from "./dataset";
      export const info: DatasetInfo = {
        name: "four-squares", title: "Four squares", description: "Dark and bright.",
        size: "4 images", source: "made here", license: "MIT",
      };
      export async function get(): Promise<void> {}
      export async function open(): Promise<Dataset> {
        const pixels = (row: number) => new Uint8Array(32 * 32 * 3).fill(row % 2 === 0 ? 10 : 240);
        return {
          name: info.name, size: 4, imageSize: [32, 32], view: {}, classNames: ["dark", "bright"],
          table: { id: ["a", "b", "c", "d"], label: Int32Array.of(0, 1, 0, 1) },
          read: async (rows) => Uint8Array.from(Array.from(rows, (row) => [...pixels(row)]).flat()),
          close: async () => {},
        };
      }`,
    list: "data/registry.ts",
    import: 'import * as fourSquares from "./four-squares";',
    after: "DatasetSource[] = [",
    line: "fourSquares,",
  },
  architecture: {
    file: "models/mean-color.ts",
    source: `
      import { type Architecture, symmetric, variantsOf } from "./architecture";
      import { convNorm, globalAveragePool, sequence } from "./layers";
      const define = variantsOf(
        (p, options, width: number) => ({
          forwardFeatures: sequence(convNorm(p.at("stem"), 3, width, 1)),
          pool: globalAveragePool, numFeatures: width,
          classifier: { scope: "fc", dropout: options.dropout ?? 0 },
          parameterGroups: [["stem"]],
        }),
        { preprocessing: symmetric, sizes: { multipleOf: 1 } },
      );
      export const meanColor: Architecture = { mean_color: define(4, { size: 32 }) };`,
    list: "models/registry.ts",
    import: 'import { meanColor } from "./mean-color";',
    after: "readonly Architecture[] = [",
    line: "meanColor,",
  },
  loss: {
    file: "tasks/losses/quadratic.ts",
    source: `
      import * as tf from "@tensorflow/tfjs-core";
      import { z } from "zod";
      import type { LossDefinition } from "../loss";
      const schema = z.strictObject({ name: z.literal("quadratic") });
      export const quadratic: LossDefinition<z.output<typeof schema>> = {
        name: "quadratic", sentence: "squared error of the probabilities", schema,
        logitsPerOutput: 1,
        create: () => (logits, targets) =>
          tf.mean(tf.squaredDifference(tf.softmax(logits), targets)),
        activate: (logits) => tf.softmax(logits),
      };`,
    list: "tasks/classification.ts",
    import: 'import { quadratic } from "./losses/quadratic";',
    after: "readonly LossDefinition[] = [",
    line: "quadratic,",
  },
  task: {
    file: "tasks/brightness.ts",
    source: `
      import { classification } from "./classification";
      import type { TaskDefinition } from "./registry";
      export const brightness: TaskDefinition = {
        ...classification, name: "brightness", sentence: "dark or bright", fits: () => true,
      };`,
    list: "tasks/registry.ts",
    import: 'import { brightness } from "./brightness";',
    after: "TaskDefinition[] = [",
    line: "brightness,",
  },
  metric: {
    file: "evaluate/error-rate.ts",
    source: `
      import type { ClassificationMetric } from "./metrics";
      export const errorRate: ClassificationMetric = {
        better: "min", needsProbabilities: false, description: "1 − accuracy.",
        compute: ({ scores }) => 1 - scores.accuracy,
      };`,
    list: "evaluate/metrics.ts",
    import: 'import { errorRate } from "./error-rate";',
    after: "\nconst metrics = {",
    line: "errorRate,",
  },
  figure: {
    file: "plots/one-bar.ts",
    source: `
      import type { Figure } from "./figure";
      export function oneBar(): Figure {
        return { data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: { text: "One" } } };
      }`,
    list: "plots/registry.ts",
    import: 'import { oneBar } from "./one-bar";',
    after: "Readonly<Record<string, FigureExample>> = {",
    line: '"one-bar": oneBar,',
  },
  verb: {
    file: "cli/greet-verb.ts",
    source: `
      import { defineVerb, say } from "./verb";
      export const verb = defineVerb({
        summary: "Greet somebody",
        options: { name: { type: "text", help: "Whom.", required: "Edwin" } },
        async run({ name }) { say("Hello, " + name); return undefined; },
      });`,
    list: "cli/registry.ts",
    import: "",
    after: "readonly verb: Verb }>>> = {",
    line: 'greet: () => import("./greet-verb.js"),',
  },
};

describe("adding one of each", function () {
  this.timeout(300_000);
  let folder: string;
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: "utf8",
    });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  };
  /** What a script over the copy's built files prints, as JSON. */
  const script = (body: string) => {
    const code = `const dist = (name) => require(${JSON.stringify(join(folder, "lib", "dist"))} + "/" + name);
      (async () => { ${body} })().then((x) => console.log(JSON.stringify(x)));`;
    return JSON.parse(run("-e", code).trim().split("\n").at(-1) ?? "");
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "one-of-each-"));
    for (const name of readdirSync(join(ROOT, "lib"))) {
      if (name === "dist" || name === "node_modules") continue;
      cpSync(join(ROOT, "lib", name), join(folder, "lib", name), { recursive: true });
    }
    cpSync(join(ROOT, "tsconfig.json"), join(folder, "tsconfig.json"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    for (const addition of Object.values(additions)) {
      writeFileSync(join(folder, "lib", addition.file), addition.source);
      const path = join(folder, "lib", addition.list);
      const list = readFileSync(path, "utf8");
      assert.equal(list.split(addition.after).length, 2, `${addition.list}: ${addition.after}`);
      const [before, after] = list.split(addition.after);
      const line = `${addition.after}\n  ${addition.line}`;
      writeFileSync(path, `${addition.import}\n${before}${line}${after}`);
    }
    run(join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", join(folder, "lib"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("a data set is opened, and asked the new task", () => {
    assert.deepEqual(
      script(`
        const set = await dist("data/open").openDataset("four-squares");
        const { createTask } = dist("tasks/registry");
        return [set.size, [...(await set.read([1]))].length,
          createTask(set, { task: "brightness" }).outputs];`),
      [4, 32 * 32 * 3, ["dark", "bright"]],
    );
  });

  it("an architecture learns by the new loss", () => {
    const [name, before, after] = script(`
      const tf = require("@tensorflow/tfjs-core");
      await dist("engine/start").startEngine();
      const set = await dist("data/open").openDataset("four-squares");
      const task = dist("tasks/registry").createTask(set, { loss: { name: "quadratic" } });
      const model = dist("models/registry").createModel("mean_color", { numClasses: 2 });
      const rows = [0, 1, 2, 3];
      const loss = task.createLoss({ dataset: set, rows });
      const images = tf.div(tf.tensor4d(await set.read(rows), [4, 32, 32, 3]), 255);
      const targets = tf.tensor2d(task.targets(set, rows), [4, 2]);
      const variables = [...model.parameters.values()].map(({ variable }) => variable)
        .filter(({ trainable }) => trainable);
      const value = () => loss(model.forward(images, { training: true }), targets);
      const first = value().dataSync()[0];
      for (let i = 0; i < 20; i++) {
        const { grads } = tf.variableGrads(value, variables);
        for (const v of variables) v.assign(tf.sub(v, tf.mul(grads[v.name], 0.5)));
      }
      return [task.description.loss ?? "quadratic", first, value().dataSync()[0]];`);
    assert.ok(name !== undefined && after < before, `${before} → ${after}`);
  });

  it("a metric is among those of every evaluation", () => {
    const table = join(folder, "p.csv");
    writeFileSync(table, "id,label,p_a,p_b\n1,a,0.9,0.1\n2,b,0.8,0.2\n");
    const command = join(folder, "lib", "bin", "tuning-fork.js");
    assert.equal(JSON.parse(run(command, "evaluate", table, "--json")).errorRate, 0.5);
  });

  it("a figure is in the gallery, a verb in the command", () => {
    const figure = script(`return dist("plots/registry").figureRegistry["one-bar"]({});`);
    assert.equal(figure.layout.title.text, "One");
    const command = join(folder, "lib", "bin", "tuning-fork.js");
    assert.equal(run(command, "greet", "--name", "Edwin"), "Hello, Edwin\n");
    assert.match(run(command, "--help"), /^ {2}greet +Greet somebody$/m);
  });
});
