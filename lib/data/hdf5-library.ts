// The package is an ES module, loaded on first use by a real `import()`. Its types must not appear in
// any declaration, since older compilers cannot resolve them: hence `@internal`.
/** @internal */
export type Hdf5Library = typeof import("h5wasm/node", { with: { "resolution-mode": "import" }});
/** @internal */
export type Hdf5LibraryFile = InstanceType<Hdf5Library["File"]>;
/** @internal */
export type Hdf5LibraryDataset = InstanceType<Hdf5Library["Dataset"]>;

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
