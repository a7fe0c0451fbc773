import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const cores = 'navigator["hardwareConcurrency"]';

/**
 * tfjs hands the text of its WebAssembly loader to the threads, where a name from outside it is not known:
 * `_scriptDir`, which a bundler renames besides. It is asked of the global object, which has none.
 *
 * It takes half as many threads as the loader says that there are cores: one where there are two. It is told of
 * four at least, so that both compute.
 */
const threads: Plugin = {
  name: "threads",
  transform: {
    filter: { id: /tfjs-backend-wasm-threaded-simd\.js$/ },
    handler: (code) =>
      code
        .replace(/var _scriptDir = [^;]+;/, "")
        .replaceAll("_scriptDir", "globalThis._scriptDir")
        .replace(cores, `(${cores}>1?Math.max(4,${cores}):1)`),
  },
};

/** `npm run build:demo`: the page as a folder that any web host takes. */
export default defineConfig({
  root: path("."),
  // It may stand in any folder of a host.
  base: "./",
  // The page and its worker are compiled from the library's sources, as the library itself is.
  resolve: { alias: { "#lib": path("../lib") } },
  plugins: [threads],
  worker: { format: "es", plugins: () => [threads] },
  build: {
    outDir: path("dist"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy has no data: for scripts and WebAssembly.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 3000,
  },
});
