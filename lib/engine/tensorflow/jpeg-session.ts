import * as tf from "@tensorflow/tfjs-core";
import type { JpegArea, JpegShape } from "../decode-jpegs";
import { attribute, DT } from "../native";
import { type GraphNode, makeNode, outputName } from "./graph";
import { Session } from "./session";

/** Files decoded side by side in TensorFlow's threads. */
const LANES = 16;

/**
 * Pixels around the area that are decoded with it: color is stored at half the resolution, and
 * between two such samples it depends on both.
 */
const MARGIN = 2;

interface Lane {
  readonly path: GraphNode;
  readonly window: GraphNode;
  readonly corner: GraphNode;
  readonly words: GraphNode;
}

/** One graph for each size of area; beyond these the oldest makes room. */
const MOST_READERS = 4;
const readers = new Map<string, { readonly session: Session; readonly lanes: readonly Lane[] }>();

/** See `decodeJpegs` of the engine. */
export function decodeJpegs(
  files: readonly string[],
  shapes: readonly JpegShape[],
  areas: readonly JpegArea[],
): Uint8Array[] | undefined {
  const [{ width, height }] = areas;
  const key = `${height}×${width}`;
  let reader = readers.get(key);
  if (reader === undefined) {
    const [oldest] = readers;
    if (readers.size >= MOST_READERS) {
      oldest[1].session.close();
      readers.delete(oldest[0]);
    }
    const lanes = Array.from({ length: LANES }, (_, i) => lane(i, height, width));
    reader = { session: new Session(lanes.flatMap(({ nodes }) => nodes)), lanes };
    readers.set(key, reader);
  }
  const { session, lanes } = reader;
  const pixels: Uint8Array[] = [];
  for (let from = 0; from < files.length; from += LANES) {
    const used = lanes.slice(0, files.length - from);
    const names = used.flatMap(({ path, window, corner }) => [path, window, corner].map(nameOf));
    const inputs = used.flatMap((_, i) =>
      feeds(files[from + i], shapes[from + i], areas[from + i]),
    );
    try {
      const words = session.run(
        inputs,
        names,
        used.map(({ words }) => nameOf(words)),
      );
      for (const tensor of words) {
        pixels.push(new Uint8Array(tensor.dataSync<"int32">().buffer, 0, 3 * width * height));
      }
      tf.dispose(words);
    } catch {
      // Which file it is, and what is wrong with it, is for the reader of single files to say.
      return undefined;
    } finally {
      tf.dispose(inputs);
    }
  }
  return pixels;
}

function feeds(file: string, shape: JpegShape, area: JpegArea): tf.Tensor[] {
  const [left, top] = [area.left, area.top].map((edge) => Math.max(edge - MARGIN, 0));
  const right = Math.min(area.left + area.width + MARGIN, shape.width);
  const bottom = Math.min(area.top + area.height + MARGIN, shape.height);
  return [
    tf.scalar(file),
    tf.tensor1d([top, left, bottom - top, right - left], "int32"),
    tf.tensor1d([area.top - top, area.left - left, 0], "int32"),
  ];
}

/** The ops from a file's name to its pixels, four bytes in one int32, for the binding reads no bytes. */
function lane(i: number, height: number, width: number): Lane & { nodes: GraphNode[] } {
  const nodes: GraphNode[] = [];
  const add = (op: string, dtype: number, shape: number[], more: Partial<GraphNode>) => {
    const outputs = [{ dtype, shape }];
    nodes.push(makeNode(`${op}_${i}_${nodes.length}`, op, { outputs, ...more }));
    return nodes[nodes.length - 1];
  };
  const input = (dtype: number, shape: number[]) =>
    add("Placeholder", dtype, shape, {
      attributes: [attribute.type("dtype", dtype), attribute.shape("shape", shape)],
    });
  const constant = (values: number[], shape = [values.length]) => {
    const bytes = new Uint8Array(Int32Array.from(values).buffer);
    return add("Const", DT.int32, shape, { value: { dtype: DT.int32, shape, bytes } });
  };
  const from = (...sources: GraphNode[]) => sources.map((node) => ({ node, index: 0 }));
  const bytes = attribute.type("T", DT.uint8);
  const count = 3 * height * width;
  const padding = (4 - (count % 4)) % 4;
  const path = input(DT.string, []);
  const window = input(DT.int32, [4]);
  const corner = input(DT.int32, [3]);
  const content = add("ReadFile", DT.string, [], { inputs: from(path) });
  const decoded = add("DecodeAndCropJpeg", DT.uint8, [-1, -1, 3], {
    attributes: [attribute.int("channels", 3), attribute.string("dct_method", "INTEGER_ACCURATE")],
    inputs: from(content, window),
  });
  const area = add("Slice", DT.uint8, [height, width, 3], {
    attributes: [bytes, attribute.type("Index", DT.int32)],
    inputs: from(decoded, corner, constant([height, width, 3])),
  });
  const flat = add("Reshape", DT.uint8, [count], {
    attributes: [bytes, attribute.type("Tshape", DT.int32)],
    inputs: from(area, constant([count])),
  });
  const whole = add("Pad", DT.uint8, [count + padding], {
    attributes: [bytes, attribute.type("Tpaddings", DT.int32)],
    inputs: from(flat, constant([0, padding], [1, 2])),
  });
  const fours = add("Reshape", DT.uint8, [(count + padding) / 4, 4], {
    attributes: [bytes, attribute.type("Tshape", DT.int32)],
    inputs: from(whole, constant([(count + padding) / 4, 4])),
  });
  const words = add("Bitcast", DT.int32, [(count + padding) / 4], {
    attributes: [bytes, attribute.type("type", DT.int32)],
    inputs: from(fours),
  });
  return { path, window, corner, words, nodes };
}

function nameOf(node: GraphNode): string {
  return outputName({ node, index: 0 });
}
