import { UserError } from "../core/errors";
import { readArguments, type Verb } from "./verb";

/** Every verb; a new one is a file and a line here. Each is loaded when it is asked for. */
const verbs: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  doctor: () => import("./doctor.js"),
  data: () => import("./data.js"),
  image: () => import("./image.js"),
  train: () => import("./train.js"),
  predict: () => import("./predict.js"),
  evaluate: () => import("./evaluate.js"),
  attention: () => import("./attention.js"),
  figures: () => import("./figures.js"),
  ablation: () => import("./ablation.js"),
  export: () => import("./export.js"),
  bench: () => import("./bench.js"),
  "bench-data": () => import("./bench-data.js"),
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    console.log(await overview());
    return name === undefined ? 1 : 0;
  }
  if (!Object.hasOwn(verbs, name)) {
    throw new UserError(
      `there is no verb "${name}"`,
      `take one of ${Object.keys(verbs).join(", ")}; \`tuning-fork --help\` says what each does`,
    );
  }
  const { verb } = await verbs[name]();
  const given = readArguments(name, verb, rest);
  if (given.values.help) {
    console.log(`${verb.summary}\n\ntuning-fork ${name} ${verb.usage}`);
    return 0;
  }
  return (await verb.run(given)) ?? 0;
}

async function overview(): Promise<string> {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length)) + 2;
  const lines = await Promise.all(
    Object.entries(verbs).map(async ([name, load]) => {
      const { verb } = await load();
      return `  ${name.padEnd(width)}${verb.summary}`;
    }),
  );
  return [
    "tuning-fork: galaxy morphology with neural networks",
    "",
    "tuning-fork VERB …        tuning-fork VERB --help",
    "",
    ...lines,
  ].join("\n");
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const known = error instanceof UserError;
    console.error(known ? `✗ ${error.message}` : error);
    if (process.env.TUNING_FORK_DEBUG && known) console.error(error.stack, error.cause);
    process.exitCode = 1;
  },
);
