import { dirname, join } from "node:path";

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

/** The last line of HDF5's error stack says what went wrong; those before it say who called whom. */
export function reason(error: unknown): string {
  const message = String(error instanceof Error ? error.message : error);
  const system = /error message = '([^']+)'/.exec(message)?.[1];
  if (system) return system;
  const lines = message.split("\n");
  const told = lines.map((line) => /\(\): (.*)$/.exec(line)?.[1]).filter((x) => x !== undefined);
  return told.at(-1) ?? lines[0];
}
