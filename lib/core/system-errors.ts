import { UserError } from "./errors";

const room = "make room on the disk, then run again";
const rights = "give another path, or have its owner change who may use it";
const other = "give another path";

/** Code of the operating system → what it means, and what to do. */
const causes: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  ENOSPC: ["the disk is full", room],
  EDQUOT: ["your share of the disk is full", room],
  EFBIG: ["the disk or a limit (ulimit -f) takes no file so large", "give a path on another disk"],
  EACCES: ["you have no permission for it", rights],
  EPERM: ["the system does not permit it", rights],
  EROFS: ["the disk can only be read", other],
  ENOENT: ["it is not there", "check how the path is written"],
  ENOTDIR: ["a part of the path is a file, not a folder", other],
  EEXIST: ["something of this name is there already", other],
  EISDIR: ["it is a folder", "give the path of a file"],
  ENOTEMPTY: ["it is a folder that is not empty", other],
  ENAMETOOLONG: ["the name is too long", "give a shorter path"],
  ELOOP: ["its symbolic links lead in a circle", "mend the links, or give another path"],
  EMFILE: ["this program has too many files open", "raise the limit (ulimit -n 4096), run again"],
  ENFILE: ["this machine has too many files open", "close other programs, then run again"],
  EBUSY: ["another program uses it", "end that program, then run again"],
  EIO: ["the disk failed", "check the disk, and run again"],
  ESTALE: ["the network disk has lost it", "run again; if it stays so, mount the disk anew"],
};

/**
 * What libraries say instead of a code. The system's own sentences are in there too: HDF5 and libvips
 * pass them on.
 */
const sentences: readonly (readonly [sentence: RegExp, code: string])[] = [
  [/no space left on device/i, "ENOSPC"],
  [/disk quota exceeded/i, "EDQUOT"],
  [/file too large/i, "EFBIG"],
  [/permission denied/i, "EACCES"],
  [/operation not permitted/i, "EPERM"],
  [/read-only file system/i, "EROFS"],
  [/not a directory/i, "ENOTDIR"],
  [/is a directory/i, "EISDIR"],
  [/file name too long/i, "ENAMETOOLONG"],
  [/too many levels of symbolic links/i, "ELOOP"],
  [/too many open files/i, "EMFILE"],
];

/** The system's code of an error, such as `ENOSPC`, where it is one of those that a person can mend. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof UserError) return undefined;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") return Object.hasOwn(causes, code) ? code : undefined;
  return sentences.find(([sentence]) => sentence.test(error.message))?.[1];
}

/**
 * An error of the operating system as a sentence with path, cause and remedy; any other error as it is.
 *
 * @param path What was read or written. Default: what the error itself names.
 * @param what What could not be done, such as `cannot be written`. Default `cannot be used`.
 */
export function systemError(error: unknown, path?: string, what = "cannot be used"): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const [cause, remedy] = causes[code];
  const { path: own, dest } = error as { readonly path?: unknown; readonly dest?: unknown };
  const named = path ?? [dest, own].find((one) => typeof one === "string") ?? "a file";
  return new UserError(`${named} ${what}: ${cause} (${code})`, remedy, { cause: error });
}
