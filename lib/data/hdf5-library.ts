import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { UserError } from "../core/errors";

// The package is an ES module, loaded on first use by a real `import()`. Its types must not appear in
// any declaration, since older compilers cannot resolve them: hence `@internal`.
/** @internal */
export type Hdf5Library = typeof import("h5wasm/node", { with: { "resolution-mode": "import" }});
/** @internal */
export type Hdf5LibraryFile = InstanceType<Hdf5Library["File"]>;
/** @internal */
export type Hdf5LibraryDataset = InstanceType<Hdf5Library["Dataset"]>;

/** HDF5's own filters, which are part of the library: deflate, shuffle, fletcher32, szip, nbit, scaleoffset. */
const ownFilters = 6;

/** Registered filters that are plug-ins, by number: those that are read here, and others that may be met. */
const pluginFilters: Readonly<Record<number, { readonly name: string; readonly read: boolean }>> = {
  307: { name: "bzip2", read: true },
  32000: { name: "lzf", read: true },
  32001: { name: "blosc", read: true },
  32004: { name: "lz4", read: true },
  32008: { name: "bitshuffle", read: true },
  32013: { name: "zfp", read: true },
  32015: { name: "zstd", read: true },
  32017: { name: "sz", read: false },
  32018: { name: "fpzip", read: false },
  32019: { name: "jpeg", read: true },
  32022: { name: "bitgroom", read: true },
  32024: { name: "sz3", read: false },
  32026: { name: "blosc2", read: true },
  32028: { name: "sperr", read: false },
};

/**
 * A filter that a dataset needs and this library has no program for, as `sperr (filter 32028)`.
 *
 * @internal
 */
export function unreadFilter({ filters }: Hdf5LibraryDataset): string | undefined {
  const unread = filters.find(({ id }) => id > ownFilters && !pluginFilters[id]?.read);
  if (unread === undefined) return undefined;
  const name = pluginFilters[unread.id]?.name ?? unread.name.split(";")[0];
  return name === "" ? `filter ${unread.id}` : `${name} (filter ${unread.id})`;
}

let loading: Promise<Hdf5Library> | undefined;

/**
 * The HDF5 library, loaded on first use.
 *
 * @internal
 */
export function loadHdf5(): Promise<Hdf5Library> {
  loading ??= (async () => {
    const library = await import("h5wasm/node");
    const module = await library.ready;
    module.activate_throwing_error_handler();
    const plugins = join(dirname(require.resolve("h5wasm-plugins/package.json")), "plugins");
    module.insert_plugin_search_path(plugins, 0);
    return library;
  })();
  return loading;
}

/**
 * Open a file, and say how many bytes it has.
 *
 * @throws UserError when there is no such file, it is not HDF5, or it is truncated
 * @internal
 */
export async function openHdf5(
  path: string,
): Promise<{ readonly file: Hdf5LibraryFile; readonly size: number }> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new UserError(
      `${path}: ${found ? "is not a file" : "no such file"}; expected an HDF5 file.`,
      "Check the path.",
    );
  }
  const { size } = found;
  const library = await loadHdf5();
  try {
    return { file: new library.File(resolve(path), "r"), size };
  } catch (cause) {
    const message = String(cause instanceof Error ? cause.message : cause);
    const ends = /truncated file: eof = (\d+).*stored_eof = (\d+)/.exec(message);
    if (ends || size === 0) {
      const there = ends ? `${ends[1]} of ${ends[2]} bytes are there` : "the file is empty";
      throw new UserError(
        `${path}: truncated HDF5 file (${there}).`,
        "Delete it and download or make it again.",
        { cause },
      );
    }
    const what = /signature not found/.test(message) ? "not an HDF5 file" : reason(cause);
    throw new UserError(
      `${path}: ${what}.`,
      "Give an HDF5 file (.h5), for example one in Galaxy10's layout.",
      { cause },
    );
  }
}

/** The last line of HDF5's error stack says what went wrong; those before it say who called whom. */
export function reason(error: unknown): string {
  const message = String(error instanceof Error ? error.message : error);
  const system = /error message = '([^']+)'/.exec(message)?.[1];
  if (system) return system;
  const lines = message.split("\n");
  const told = lines.map((line) => /\(\): (.*)$/.exec(line)?.[1]).filter((x) => x !== undefined);
  return told.at(-1) ?? lines[0];
}
