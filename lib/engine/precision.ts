import type { Recording } from "./recorder";
import type { Precision } from "./start";

/** Rewrite a recording to another number format. */
export function withPrecision(recording: Recording, precision: Precision): Recording {
  if (precision === "float32") return recording;
  throw new Error("mixed_bfloat16 is not there yet");
}
