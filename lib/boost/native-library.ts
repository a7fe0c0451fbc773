import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KoffiFunc, LibraryHandle } from "koffi";
import { UserError } from "../core/errors";
import { projectFolder } from "../io/paths";

/** Where a wheel of Python keeps a shared library. */
export interface Wheel {
  /** For messages, such as `XGBoost`. */
  readonly title: string;
  /** Folder in `site-packages`. */
  readonly folder: string;
  /** The shared library, below the folder. */
  readonly library: string;
  /** Begins the name of the wheel's `.dist-info` folder. */
  readonly distribution: string;
  /** The oldest version whose interface is called here. */
  readonly oldest: string;
}

/** A C function that says by its result, 0 or not, whether it did what it was asked. */
export interface NativeFunction {
  /** @throws UserError with the library's own message */
  (...args: readonly unknown[]): void;
  /** The same on another thread. @throws UserError with the library's own message */
  inBackground(...args: readonly unknown[]): Promise<void>;
}

/** One value of an `_Out_` parameter. */
export type Out<T> = [T | null];

/** The handle that a call gives by its `_Out_` parameter. */
export function handleFrom(call: (out: Out<bigint>) => void): bigint {
  const out: Out<bigint> = [null];
  call(out);
  return out[0] ?? 0n;
}

const SET_UP = "run `npm run setup`";

/** koffi is loaded when a library is called for the first time: most programs call none. */
let loaded: typeof import("koffi") | undefined;
export function koffi(): typeof import("koffi") {
  if (loaded === undefined) {
    loaded = require("koffi") as typeof import("koffi");
    // The libraries' recursions need more than the 128 kB that koffi gives to calls in the background.
    loaded.config({ async_stack_size: 8 << 20 });
  }
  return loaded;
}

/** The folder of Python's packages in `.venv`; undefined where there is none. */
function sitePackages(): string | undefined {
  const lib = join(projectFolder(), ".venv", "lib");
  const python = existsSync(lib) && readdirSync(lib).find((name) => name.startsWith("python3."));
  return python ? join(lib, python, "site-packages") : undefined;
}

/** A shared library that a wheel of Python brought, loaded. */
export class NativeLibrary {
  private constructor(
    /** What the wheel's metadata say. */
    readonly version: string,
    private readonly wheel: Wheel,
    private readonly handle: LibraryHandle,
  ) {}

  /**
   * Find a wheel in `.venv` and load its library. Python itself is not needed for it, nor NumPy.
   *
   * @param packages Folder in which the wheel lies. Default: that of `.venv`.
   * @throws UserError when the wheel is not there, lacks its library, or is too old
   */
  static load(wheel: Wheel, packages: string | undefined = sitePackages()): NativeLibrary {
    const { title, folder, library, distribution, oldest } = wheel;
    if (packages === undefined || !existsSync(join(packages, folder))) {
      throw new UserError(`${title} is not installed in ${packages ?? ".venv"}`, SET_UP);
    }
    const path = join(packages, folder, library);
    if (!existsSync(path)) {
      throw new UserError(`the wheel of ${title} lacks its library ${path}`, SET_UP);
    }
    const info = readdirSync(packages).find(
      (name) => name.startsWith(`${distribution}-`) && name.endsWith(".dist-info"),
    );
    const metadata = join(packages, info ?? "", "METADATA");
    const [, version] =
      (existsSync(metadata) && /^Version: (\S+)/m.exec(readFileSync(metadata, "utf8"))) || [];
    if (version === undefined || isOlder(version, oldest)) {
      throw new UserError(
        `${title} ${version ?? "of an unknown version"} is installed in ${packages}; ${oldest} or newer is needed`,
        SET_UP,
      );
    }
    try {
      return new NativeLibrary(version, wheel, koffi().load(path));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(`${path} does not load: ${reason}`, SET_UP, { cause });
    }
  }

  /** A function that fails by its result; `_Out_` parameters are arrays of one value. */
  func(prototype: string): NativeFunction {
    const call = this.handle.func(prototype) as KoffiFunc<(...args: readonly unknown[]) => number>;
    const checked = (...args: readonly unknown[]) => {
      if (call(...args) !== 0) throw this.failure();
    };
    return Object.assign(checked, {
      inBackground: async (...args: readonly unknown[]) => {
        const code = await new Promise<number>((done, fail) => {
          call.async(...args, (error: unknown, result: number) =>
            error ? fail(error) : done(result),
          );
        });
        // Each thread has its own last error: what failed there fails here again, and says why.
        if (code !== 0) {
          checked(...args);
          throw new UserError(`${this.wheel.title} failed once and not again`, "try it again");
        }
      },
    });
  }

  /** A function that cannot fail. */
  plain(prototype: string): (...args: readonly unknown[]) => unknown {
    return this.handle.func(prototype);
  }

  private failure(): UserError {
    const { title } = this.wheel;
    const [message] = String(this.lastError()).split(/\n\s*(?:\n|Stack trace)/);
    return new UserError(
      `${title}: ${message.trim()}`,
      "correct the settings or the data it names",
    );
  }

  /** Set by whoever knows the library's name of it. */
  lastError: () => unknown = () => "";
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) =>
    text.split(".").map((part) => Number.parseInt(part, 10)),
  );
  const at = b.findIndex((part, i) => part !== (a[i] ?? 0));
  return at >= 0 && (a[at] ?? 0) < b[at];
}
