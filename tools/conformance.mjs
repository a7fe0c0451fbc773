/**
 * TensorFlow.js's own specifications (tfjs-core ships them) run on the engine built here.
 *
 * `node tools/conformance.mjs [--bundle]`. Every spec runs. A failure that upstream's own list of
 * specs not meant for the Node backend names is set apart; that list is read from tfjs-node's
 * sources, so it cannot drift from the version installed. The last line is
 * `{"run","failed","names","notApplicable"}`: `run` leaves the set-apart ones out.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { placesIn } from "../lib/setup/step.mjs";
import { ROOT } from "./repository.mjs";

const require = createRequire(import.meta.url);
const NODE_BACKEND = join(ROOT, "node_modules", "@tensorflow", "tfjs-node-gpu");
const BUNDLE = join(placesIn(ROOT).state, "conformance", "specs.cjs");

/** @returns upstream's names (or parts of names) of specs that do not apply to the Node backend. */
function ignoredSpecs() {
  const source = readFileSync(join(NODE_BACKEND, "src", "run_tests.ts"), "utf8");
  const list = /IGNORE_LIST[^[]*\[\][^[]*\[([\s\S]*?)\n\];/
    .exec(source)[1]
    .replace(/^\s*\/\/.*$/gm, "");
  return [...list.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, name]) => name);
}

/** One bundle, so that specs and backend share one tfjs-core. */
async function bundle() {
  const esbuild = await import("esbuild");
  mkdirSync(dirname(BUNDLE), { recursive: true });
  const entry = [
    'require("@tensorflow/tfjs-node-gpu");',
    'require("@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops");',
    'require("@tensorflow/tfjs-core/dist/register_all_gradients");',
    'require("@tensorflow/tfjs-core/dist/jasmine_util").setTestEnvs([{ name: "test-tensorflow", backendName: "tensorflow", flags: {}, isDataSync: true }]);',
    'require("@tensorflow/tfjs-core/dist/tests");',
  ].join("\n");
  await esbuild.build({
    stdin: { contents: entry, resolveDir: ROOT },
    outfile: BUNDLE,
    bundle: true,
    platform: "node",
    // Registrations are side effects that the packages' annotations deny.
    ignoreAnnotations: true,
    mainFields: ["module", "main"],
    external: ["@mapbox/node-pre-gyp"],
    logLevel: "error",
    plugins: [{ name: "node-backend", setup: adaptBackend }],
  });
}

/** Two lines of the backend's files know their own folder and ES5 base classes; neither survives bundling. */
function adaptBackend(build) {
  build.onLoad(
    { filter: /tfjs-node-gpu[/\\]dist[/\\](index|nodejs_kernel_backend)\.js$/ },
    ({ path }) => ({
      contents: readFileSync(path, "utf8")
        .replaceAll("__dirname", JSON.stringify(dirname(path)))
        .replace("_super.call(this)", "Reflect.construct(_super, [], NodeJSKernelBackend)"),
    }),
  );
}

/** Functions that Node 23 removed and the backend calls; the library bridges them in the same way. */
function bridge() {
  const util = require("node:util");
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

async function run() {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // As startEngine sets it: without, processors below AVX-512 have no kernel for some convolutions.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= "1";
  bridge();
  const jasmineCore = require("jasmine-core");
  const api = jasmineCore.boot();
  const ignored = ignoredSpecs();
  const env = api.getEnv();
  env.configure({ random: false });
  const counts = { run: 0, failed: 0, names: [], notApplicable: 0 };
  env.addReporter({
    specDone({ status, fullName, failedExpectations }) {
      if (status !== "passed" && status !== "failed") return;
      if (status === "failed" && ignored.some((name) => fullName.includes(name))) {
        counts.notApplicable++;
        return;
      }
      counts.run++;
      if (status === "passed") return;
      counts.failed++;
      counts.names.push(fullName);
      console.log(`✗ ${fullName}\n    ${failedExpectations[0]?.message?.split("\n")[0]}`);
    },
  });
  // Specs warn on purpose; but a backend that does not start would leave them to another one.
  console.warn = (message) => {
    if (!/Initialization of backend/.test(String(message))) return;
    console.error(`${message}: nothing of what follows would be a test of the native engine`);
    process.exit(1);
  };
  require(BUNDLE);
  await env.execute();
  console.log(JSON.stringify(counts));
}

if (!existsSync(BUNDLE) || process.argv.includes("--bundle")) await bundle();
if (!process.argv.includes("--bundle")) await run();
