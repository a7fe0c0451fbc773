import type { Verb } from "./verb";

/** Every verb; a new one is a file and a line here. Each is loaded when it is asked for. */
export const verbs: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  setup: () => import("./setup-verb.js"),
  lab: () => import("./lab-verb.js"),
  doctor: () => import("./doctor-verb.js"),
  data: () => import("./data-verb.js"),
  image: () => import("./image-verb.js"),
  train: () => import("./train-verb.js"),
  predict: () => import("./predict-verb.js"),
  embed: () => import("./embed-verb.js"),
  evaluate: () => import("./evaluate-verb.js"),
  attention: () => import("./attention-verb.js"),
  figures: () => import("./figures-verb.js"),
  ablation: () => import("./ablation-verb.js"),
  export: () => import("./export-verb.js"),
  notebook: () => import("./notebook-verb.js"),
  pictures: () => import("./pictures-verb.js"),
  demo: () => import("./demo-verb.js"),
  cluster: () => import("./cluster-verb.js"),
  bench: () => import("./bench-verb.js"),
  "bench-data": () => import("./bench-data-verb.js"),
};
