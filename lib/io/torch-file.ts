import { closeSync, openSync } from "node:fs";
import { UserError } from "../core/errors";
import { halfToNumber } from "../core/float16";
import { systemError } from "../core/system-errors";
import { readBytes } from "./read-bytes";
import type { TensorSource } from "./safetensors";
import { unpickle } from "./unpickle";

/** What a tensor's values are, by the name of PyTorch's storage. */
const TYPES: Readonly<
  Record<string, { bytes: number; read?: (all: ArrayBufferLike) => Float32Array }>
> = {
  FloatStorage: { bytes: 4, read: (all) => new Float32Array(all) },
  DoubleStorage: { bytes: 8, read: (all) => Float32Array.from(new Float64Array(all)) },
  HalfStorage: {
    bytes: 2,
    read: (all) => Float32Array.from(new Uint16Array(all), halfToNumber),
  },
  BFloat16Storage: {
    bytes: 2,
    read: (all) =>
      new Float32Array(Uint32Array.from(new Uint16Array(all), (bits) => bits << 16).buffer),
  },
  LongStorage: { bytes: 8 },
  IntStorage: { bytes: 4 },
  ShortStorage: { bytes: 2 },
  CharStorage: { bytes: 1 },
  ByteStorage: { bytes: 1 },
  BoolStorage: { bytes: 1 },
};

interface Storage {
  readonly type: string;
  readonly key: string;
  readonly count: number;
}

/** A tensor within its storage; lengths and steps in values. */
class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A file of weights that is open. */
export interface TorchFile extends TensorSource {
  /** Close the file; nothing can be read any more. */
  close(): void;
}

/**
 * Open what `torch.save` wrote of a state dict (PyTorch 1.6 and later: a ZIP archive that is not
 * compressed), or of a dictionary with one under `state_dict`. No code of the file is run.
 *
 * @returns its tensors of floating-point numbers; other ones, such as counters, are passed over
 * @throws UserError when the file is absent, no such archive, damaged, or holds more than weights
 */
export async function openTorchFile(path: string): Promise<TorchFile> {
  const places = await listEntries(path);
  const pickled = [...places.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  if (pickled === undefined) {
    throw new UserError(
      `${path} is no file of PyTorch: it has no data.pkl`,
      "save it with torch.save",
    );
  }
  const folder = pickled.slice(0, -"data.pkl".length);
  const descriptor = openSync(path, "r");
  const bytesOf = (entry: string, from = 0, length?: number): Uint8Array => {
    const place = places.get(entry);
    if (place === undefined || from + (length ?? 0) > place.size) {
      throw new UserError(`${path} is cut off: ${entry} is missing`, "download or save it again");
    }
    const header = readBytes(descriptor, path, place.header, 30);
    const names = header[26] + 256 * header[27] + header[28] + 256 * header[29];
    return readBytes(descriptor, path, place.header + 30 + names + from, length ?? place.size);
  };
  try {
    const found = tensorsOf(unpickle(bytesOf(pickled), path, builders, storageOf), path);
    return {
      name: path,
      tensors: found,
      read(name) {
        const tensor = found.get(name);
        const decode = tensor && TYPES[tensor.storage.type].read;
        if (tensor === undefined || decode === undefined) {
          throw new UserError(`${path} holds no tensor "${name}"`, "check the file's names");
        }
        const { key, type, count } = tensor.storage;
        const bytes = bytesOf(`${folder}data/${key}`, 0, count * TYPES[type].bytes);
        return inOrder(decode(bytes.buffer), tensor, path);
      },
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Where each entry of a ZIP archive begins, and its size; all are stored as they are. */
async function listEntries(path: string) {
  const { openZip } = await import("./zip-archive.js");
  const places = new Map<string, { header: number; size: number }>();
  try {
    const zip = await openZip(path);
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.compressionMethod !== 0) throw new Error(`${entry.fileName} is compressed`);
        const { relativeOffsetOfLocalHeader: header, uncompressedSize: size } = entry;
        places.set(entry.fileName, { header, size });
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    const known = systemError(error, path, "cannot be read");
    if (known instanceof UserError) throw known;
    throw new UserError(
      `${path} is no file of PyTorch 1.6 or later (${error instanceof Error ? error.message : error})`,
      "download it again, or save it with torch.save",
    );
  }
  return places;
}

const rebuild = (storage: unknown, offset: unknown, shape: unknown, strides: unknown) =>
  new StoredTensor(storage as Storage, offset as number, shape as number[], strides as number[]);

/** All that a state dict is made of. */
const builders = {
  "collections OrderedDict": () => new Map(),
  "torch._utils _rebuild_tensor_v2": rebuild,
  "torch._utils _rebuild_parameter": (tensor: unknown) => tensor,
  ...Object.fromEntries(Object.keys(TYPES).map((type) => [`torch ${type}`, () => type])),
};

/** PyTorch's reference to values beside the pickle: kind, type, key, device, number of values. */
function storageOf(id: unknown): Storage {
  const [kind, type, key, , count] = Array.isArray(id) ? id : [];
  const name = Object.keys(TYPES).find((one) => typeof type === "function" && type() === one);
  if (kind === "storage" && name !== undefined && typeof count === "number" && count >= 0) {
    return { type: name, key: String(key), count };
  }
  throw new UserError("the file keeps something else than numbers", "save the state dict alone");
}

function tensorsOf(saved: unknown, path: string): Map<string, StoredTensor> {
  const nested = saved instanceof Map ? saved.get("state_dict") : undefined;
  const dict = nested instanceof Map ? nested : saved;
  if (!(dict instanceof Map)) {
    throw new UserError(`${path} holds no state dict`, "save model.state_dict()");
  }
  const found = new Map<string, StoredTensor>();
  for (const [name, value] of dict) {
    const isFloat = value instanceof StoredTensor && TYPES[value.storage.type].read !== undefined;
    if (isFloat) found.set(String(name), value);
  }
  return found;
}

/** The values of a tensor row by row, wherever they lie in its storage. */
function inOrder(all: Float32Array, { shape, strides, offset }: StoredTensor, path: string) {
  const size = shape.reduce((a, b) => a * b, 1);
  const last = shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis], offset);
  const sound = [offset, ...shape, ...strides].every((n) => Number.isSafeInteger(n) && n >= 0);
  // Values that several places share take no more room than those of others.
  const fits = size === 0 || (last < all.length && size <= all.length);
  if (!sound || shape.length !== strides.length || !fits) {
    throw new UserError(
      `${path}: a tensor lies outside of its values`,
      "download or save it again",
    );
  }
  let dense = 1;
  const isDense = shape.every((_, axis) => {
    const back = shape.length - 1 - axis;
    const fits = strides[back] === dense || shape[back] === 1;
    dense *= shape[back];
    return fits;
  });
  if (isDense) return all.slice(offset, offset + size);
  return Float32Array.from({ length: size }, (_, i) => {
    let [rest, at] = [i, offset];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return all[at];
  });
}
