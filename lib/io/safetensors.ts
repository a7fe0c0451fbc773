import { closeSync, existsSync, fstatSync, openSync, writeSync } from "node:fs";
import { UserError } from "../core/errors";
import { halfToNumber, toHalves } from "../core/float16";
import { atomicPathSync } from "./atomic";
import { readBytes } from "./read-bytes";
import {
  bytesOf,
  encodeHeader,
  parseHeader,
  type TensorEntry,
  type TensorToWrite,
} from "./safetensors-header";

/** Named arrays that can be read one at a time. */
export interface TensorSource {
  /** Where they come from, for messages. */
  readonly name: string;
  /** The arrays by name, with their shapes, row-major. */
  readonly tensors: ReadonlyMap<
    string,
    {
      /** Row-major. */
      readonly shape: readonly number[];
    }
  >;
  /** Strings that the file's header holds besides. Default none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The values as float32, row by row. */
  read(name: string): Float32Array;
}

/**
 * An open safetensors file (https://github.com/huggingface/safetensors). Opening reads and checks
 * the header alone; each {@link SafetensorsFile.read} reads one tensor.
 */
export class SafetensorsFile implements TensorSource {
  private constructor(
    readonly name: string,
    private readonly descriptor: number,
    /** The tensors by name. */
    readonly tensors: ReadonlyMap<string, TensorEntry>,
    /** Texts of the header. */
    readonly metadata: Readonly<Record<string, string>>,
  ) {}

  /** @throws UserError when the file is absent, or no safetensors file, or its header contradicts itself. */
  static open(path: string): SafetensorsFile {
    if (!existsSync(path)) throw new UserError(`there is no file ${path}`, "check the path");
    const descriptor = openSync(path, "r");
    try {
      const size = fstatSync(descriptor).size;
      refusePickle(path, readBytes(descriptor, path, 0, Math.min(size, 4)));
      const { tensors, metadata } = parseHeader(path, size, (from, bytes) =>
        readBytes(descriptor, path, from, bytes),
      );
      return new SafetensorsFile(path, descriptor, tensors, metadata);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** @throws UserError when the tensor is absent or holds no float32, float16 or bfloat16. */
  read(name: string): Float32Array {
    const entry = this.tensors.get(name);
    if (entry === undefined) {
      throw new UserError(`${this.name} holds no tensor "${name}"`, "check the file's names");
    }
    const decode = decoders[entry.dtype];
    if (decode === undefined) {
      throw new UserError(
        `${this.name}: "${name}" is of type ${entry.dtype}; expected F32, F16 or BF16`,
        "save the weights in one of these types",
      );
    }
    return decode(readBytes(this.descriptor, this.name, entry.offset, entry.bytes).buffer);
  }

  /** Close the file; nothing can be read any more. */
  close(): void {
    closeSync(this.descriptor);
  }
}

/**
 * Write tensors as one safetensors file. The file appears whole or not at all.
 *
 * @param metadata Strings for the header; `format: "pt"` is added, which Python's loaders ask for.
 * @param dtype How values are stored. Default `F32`.
 * @throws UserError when a value is beyond what a float16 holds
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
  dtype: "F32" | "F16" = "F32",
): void {
  const header = encodeHeader(tensors, metadata, dtype);
  atomicPathSync(path, (temporary) => {
    const descriptor = openSync(temporary, "w");
    try {
      writeAll(descriptor, header);
      for (const tensor of tensors) {
        const values = tensor.read();
        if (values.byteLength !== bytesOf("F32", tensor.shape)) {
          throw new Error(`${tensor.name}: ${values.length} values for shape [${tensor.shape}]`);
        }
        const stored = dtype === "F32" ? values : toHalves(values, tensor.name);
        writeAll(descriptor, new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
      }
    } finally {
      closeSync(descriptor);
    }
  });
}

const decoders: Readonly<Record<string, ((buffer: ArrayBufferLike) => Float32Array) | undefined>> =
  {
    F32: (buffer) => new Float32Array(buffer),
    F16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToNumber),
    BF16(buffer) {
      // A bfloat16 is the upper half of a float32.
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer,
      );
    },
  };

function refusePickle(path: string, start: Uint8Array): void {
  const zip = start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
  const pickle = start[0] === 0x80 && start[1] >= 2 && start[1] <= 5;
  if (!zip && !(pickle && /\.(pth|pt|bin|ckpt|pkl)$/.test(path))) return;
  throw new UserError(
    `${path} is a Python pickle, which can run any code when it is opened`,
    `convert it where you trust it: python -c 'import sys, torch; from safetensors.torch import save_file; d = torch.load(sys.argv[1], map_location="cpu", weights_only=True); d = d.get("state_dict", d.get("model", d)); save_file({k: v.clone().contiguous() for k, v in d.items()}, sys.argv[2])' ${path} ${path.replace(/\.\w+$/, "")}.safetensors`,
  );
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 2 ** 30));
  }
}
