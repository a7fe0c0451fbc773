import {
  compile,
  createOptimizer,
  type EngineName,
  ops,
  startEngine,
  tf,
} from "tuning-fork/engine";
import { expectType, type Same } from "./expect-type";

export async function calls() {
  const info = await startEngine();
  expectType<Same<typeof info.name, EngineName>>();
  expectType<Same<EngineName, "cuda" | "cpu" | "wasm">>();
  // @ts-expect-error: which engine runs is set-up's choice
  await startEngine("cpu");

  const weight = tf.variable<tf.Rank.R2>(tf.zeros([1, 3]));
  const predict = (x: tf.Tensor) => ops.linear(x, weight);
  const both = (x: tf.Tensor, y: tf.Tensor) => [x, y];
  const graph = compile({ predict, both }, { variables: [weight], precision: "mixed_bfloat16" });
  const input = tf.zeros([2, 3]);
  expectType<Same<ReturnType<typeof graph.call.predict>, ReturnType<typeof predict>>>();
  expectType<Same<ReturnType<typeof graph.call.both>, tf.Tensor[]>>();
  expectType<Same<Parameters<typeof graph.call.both>, Parameters<typeof both>>>();
  graph.call.predict(input);
  // @ts-expect-error: one input is missing
  graph.call.both(input);
  // @ts-expect-error: one input too many
  graph.call.predict(input, input);
  // @ts-expect-error: no such function
  graph.call.train(input);
  // @ts-expect-error: variables have to be listed
  compile({ predict }, {});
  // @ts-expect-error: no such number format
  compile({ predict }, { variables: [], precision: "float16" });
  // @ts-expect-error: a function of tensors gives tensors
  compile({ count: (x: tf.Tensor) => x.size }, { variables: [] });

  const optimizer = createOptimizer({ name: "adamw", weightDecay: 0.05 }, [{ variable: weight }]);
  optimizer.update([input], tf.scalar(1e-3), tf.scalar(1));
  // @ts-expect-error: rates are tensors, since a number would be a constant of the graph
  optimizer.update([input], 1e-3, 1);
  // @ts-expect-error: no such optimizer
  createOptimizer({ name: "lion" }, []);
  // @ts-expect-error: American spelling, PyTorch's word
  createOptimizer({ name: "adam", learningRate: 1 }, []);

  ops.gelu(input, "tanh");
  // @ts-expect-error: no such form
  ops.gelu(input, "sigmoid");
  expectType<Same<typeof weight, tf.Variable<tf.Rank.R2>>>();
}
