import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { UserError } from "#lib/core/errors";
import { compile } from "#lib/engine/compile";
import { attention, batchNorm, conv2d, gelu, linear, silu } from "#lib/engine/ops";
import { splitHeads } from "#lib/engine/ops/attention";
import { type Precision, startEngine } from "#lib/engine/start";
import { hasAttentionKernel } from "#lib/engine/tensorflow/attention-op";
import { hasBatchNormKernel } from "#lib/engine/tensorflow/batch-norm-op";
import { nativeBackend } from "#lib/engine/tensorflow/binding";
import { hasFilterGradientKernel } from "#lib/engine/tensorflow/filter-gradient-op";
import { hasGateKernel } from "#lib/engine/tensorflow/gate-op";
import { PASSES } from "#lib/engine/tensorflow/passes/registry";
import { hasSiluKernel } from "#lib/engine/tensorflow/silu-op";
import { hasWinogradKernel } from "#lib/engine/tensorflow/winograd-op";
import { fixed } from "../../cases";
import { notOnGpu } from "../../support";

const SWITCH = "TUNING_FORK_DISABLE_PASSES";
const DUMP = "TUNING_FORK_DUMP_GRAPH";

/** Every pass has something to do on this one. */
const MOST = { TUNING_FORK_PROCESSOR: "amx_bf16" };

function withEnvironment<T>(values: Record<string, string>, run: () => T): T {
  Object.assign(process.env, values);
  try {
    return run();
  } finally {
    for (const name of Object.keys(values)) delete process.env[name];
  }
}

/** A net in which every pass finds something to do; what it predicts and its loss after three steps. */
function results(precision: Precision): number[] {
  return tf.tidy(() => {
    const filter = tf.variable(fixed([3, 3, 3, 16], [-1, 1], 1)) as tf.Variable<tf.Rank.R4>;
    const weight = tf.variable(fixed([24, 16], [-1, 1], 2)) as tf.Variable<tf.Rank.R2>;
    const running = [tf.variable(fixed([16], [-1, 1], 3)), tf.variable(fixed([16], [0.5, 2], 4))];
    const last = fixed([8, 8], [-1, 1], 8) as tf.Tensor2D;
    const wide = tf.variable(fixed([3, 3, 32, 32], [-0.1, 0.1], 10)) as tf.Variable<tf.Rank.R4>;
    const factor = tf.variable(fixed([8], [0.5, 2], 9));
    const norm = [fixed([16], [0.5, 2], 5), fixed([16], [-1, 1], 6)];
    const predict = (x: tf.Tensor, training = false) => {
      const options = { training, momentum: 0.1, epsilon: 1e-3 };
      const y = conv2d(x as tf.Tensor4D, filter, 1, 1);
      const z = batchNorm(y, norm[0], norm[1], running[0], running[1], options);
      // So many weights that their gradient is a kernel.
      const tokens = tf.slice(tf.reshape(z, [16, -1, 16]), [0, 0, 0], [-1, 64, -1]);
      const [q, k, v] = splitHeads(linear(tokens, weight) as tf.Tensor3D, 3, 2);
      const pairs = tf.concat([z, z], 3) as tf.Tensor4D;
      const seen = conv2d(pairs, wide, 2, 1);
      const near = tf.mean(conv2d(pairs, wide, 1, 1), [1, 2]);
      const tiles = tf.mean(tf.mul(seen, tf.mean(seen, [1, 2], true)), [1, 2]);
      const attended = tf.mean(tf.mul(linear(attention(q, k, v, 0.5), last), factor), 1);
      const whole = linear(tf.mean(tf.relu(tf.add(gelu(z), silu(z))), [1, 2]), weight);
      return tf.concat([whole, attended, tiles, near], 1);
    };
    const train = (x: tf.Tensor) => {
      const loss = () => tf.mean(tf.square(predict(x, true))) as tf.Scalar;
      const { value, grads } = tf.variableGrads(loss, [filter, weight, wide]);
      for (const v of [filter, weight, wide]) v.assign(tf.sub(v, tf.mul(grads[v.name], 1e-3)));
      return value;
    };
    const variables = [filter, weight, wide, factor, ...running];
    const asking = compile(
      { predict: (x: tf.Tensor) => predict(x) },
      { variables, precision, constantVariables: true },
    );
    const learning = compile({ train }, { variables, precision });
    const x = fixed([16, 16, 17, 3], [-1, 1], 7);
    const predicted = Array.from((asking.call.predict(x) as tf.Tensor).dataSync());
    const losses = [1, 2, 3].map(() => (learning.call.train(x) as tf.Tensor).dataSync()[0]);
    for (const compiled of [asking, learning]) compiled.dispose();
    tf.dispose(variables);
    return [...predicted, ...losses];
  });
}

function assertNear(got: readonly number[], expected: readonly number[], most: number) {
  const largest = Math.max(...expected.map(Math.abs));
  got.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= most * largest, `${value} for ${expected[i]}`);
  });
}

describe("the passes", () => {
  let expected: number[];
  before(async () => {
    await startEngine();
    expected = results("float32");
  });
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tuning-fork-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("have a name of their own and a sentence each", () => {
    assert.equal(new Set(PASSES.map(({ name }) => name)).size, PASSES.length);
    for (const { summary } of PASSES) assert.ok(summary.length > 20);
  });

  for (const precision of ["float32", "mixed_bfloat16"] as const) {
    const most = precision === "float32" ? 1e-5 : 0.06;
    for (const { name } of PASSES) {
      it(`${name} off: the same numbers in ${precision}`, () => {
        const switched = { ...MOST, [SWITCH]: name };
        assertNear(
          withEnvironment(switched, () => results(precision)),
          expected,
          most,
        );
      });
    }

    it(`all off: the same numbers in ${precision}, as float32 has them`, () => {
      const all = PASSES.map(({ name }) => name).join(",");
      const got = withEnvironment({ ...MOST, [SWITCH]: all }, () => results(precision));
      assertNear(got, expected, 1e-5);
    });
  }

  for (const { name, processorsOnly } of PASSES) {
    it(`${name} changes the graph, and is not in one where it is off`, function () {
      if (processorsOnly) notOnGpu.call(this);
      if (name.startsWith("fuse-attention") && !hasAttentionKernel()) this.skip();
      if (name === "batch-norm-kernel" && !hasBatchNormKernel()) this.skip();
      if (name === "gate-kernel" && !hasGateKernel()) this.skip();
      if (name === "silu-kernel" && !hasSiluKernel()) this.skip();
      if (name === "filter-gradient-kernel" && !hasFilterGradientKernel()) this.skip();
      if (name === "winograd-kernel" && !hasWinogradKernel()) this.skip();
      const graphs = ["", name].map((off, i) => {
        const path = join(folder, `${i}`);
        const switched = { ...MOST, [DUMP]: path, [SWITCH]: off };
        // Not every processor has such products in bfloat16, and convolutions that multiply less are of float32 alone.
        const full = ["fuse-products", "winograd-kernel"].includes(name);
        const precision = full ? "float32" : "mixed_bfloat16";
        withEnvironment(switched, () => results(precision));
        const dumped = readFolder(path);
        return dumped.map((one) => readFileSync(join(one, "graph.txt"), "utf8")).join("");
      });
      assert.match(graphs[1], new RegExp(`^# ${name} \\(off\\)$`, "m"));
      const lines = graphs.map((text) => text.split("\n").filter((line) => !line.startsWith("#")));
      assert.notDeepEqual(lines[0], lines[1]);
    });
  }

  it("refuses a name that is no pass's", () => {
    assert.throws(
      () => withEnvironment({ [SWITCH]: "fold-batch-norm,folding" }, () => results("float32")),
      (error) => error instanceof UserError && /"folding"/.test(error.problem),
    );
  });

  it("can be looked at: text, and a graph that TensorFlow opens", () => {
    withEnvironment({ [DUMP]: folder }, () => results("float32"));
    const [predict, train] = readFolder(folder);
    assert.ok(existsSync(join(train, "graph.txt")));
    const trace = readFileSync(join(predict, "trace.txt"), "utf8");
    assert.match(trace, /^input0 = Placeholder\(\) .* → float32\[16,16,17,3\]$/m);
    assert.match(trace, /^FusedBatchNormV3_\d+ = FusedBatchNormV3\(Conv2D_\d+:0, /m);
    assert.match(trace, /^PartitionedCall_\d+ = .*\n {2}parameter0 = /m);
    const graph = readFileSync(join(predict, "graph.txt"), "utf8");
    assert.match(graph, /^# fold-batch-norm$/m);
    assert.doesNotMatch(graph, / = FusedBatchNormV3\(/);
    for (const path of [predict, train]) {
      const { binding } = nativeBackend();
      binding.deleteSavedModel(binding.loadSavedModel(path, "serve"));
    }
  });
});

/** The dumps of `predict` and `train` in a folder; their numbers go on from test to test. */
function readFolder(folder: string): [string, string] {
  const names = readdirSync(folder);
  const of = (name: string) =>
    join(folder, names.find((entry) => entry.startsWith(`${name}-`)) ?? assert.fail(name));
  return [of("predict"), of("train")];
}
