import * as tf from "@tensorflow/tfjs-core";
import { attribute, DT, type OutputType } from "../native";
import { COSINE_ATTENTION, COSINE_ATTENTION_GRADIENT } from "../ops/cosine-attention";
import { makeNode, type Output } from "./graph";
import { processor } from "./processor";
import { computes, triedOnce } from "./try-kernel";

/** What scores of ½ and −½ give of the values 1 and 3. */
const RESULT = 1 + 2 / (Math.E + 1);

const tried = triedOnce((dtype) =>
  tf.tidy(() => {
    const tokens = 2;
    const given = {
      // Of one head and one number: unit vectors 1 and 1, 1 and −1.
      qkv: tf.tensor([4, 3, 1, 4, -3, 3], [1, tokens, 3]),
      dy: tf.zeros([1, tokens, 1]),
      sharpness: tf.tensor1d([1 / 2]),
      bias: tf.zeros([1, tokens, tokens]),
    };
    const attributes = [
      attribute.type("T", dtype),
      attribute.types("M", []),
      attribute.int("heads", 1),
      attribute.int("threads", 1),
      attribute.float("shortest", 1e-6),
    ];
    const make = (op: string, inputs: readonly Output[], outputs: readonly OutputType[]) =>
      makeNode(op, op, { attributes, inputs, outputs });
    const low = (shape: readonly number[]) => ({ shape, dtype });
    const full = (shape: readonly number[]) => ({ shape, dtype: DT.float32 });
    return computes(
      dtype,
      given,
      ({ qkv, dy, sharpness, bias }) => [
        make(COSINE_ATTENTION, [qkv, sharpness, bias], [low([1, tokens, 1])]),
        make(
          COSINE_ATTENTION_GRADIENT,
          [qkv, dy, sharpness, bias],
          [low([1, tokens, 3]), full([1]), full([1, tokens, tokens])],
        ),
      ],
      [RESULT, 0],
      ["sharpness", "bias"],
    );
  }),
);

/** Whether there are kernels for both in bfloat16: on processors with AMX, where GCC 11 or newer made them. */
export function hasCosineAttentionKernel(): boolean {
  return processor().usesTiles && tried(DT.bfloat16);
}
