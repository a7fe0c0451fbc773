import { type Detector, needed } from "./detector";

/** One less the probability of the likeliest class (Hendrycks & Gimpel 2017, arXiv:1610.02136). */
export const maxSoftmax: Detector = {
  name: "max softmax",
  needs: "logits",
  fit: () => (some) => {
    const { values, width } = needed(some, "logits", "max softmax");
    return Float64Array.from({ length: values.length / width }, (_, row) => {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < width; c++) largest = Math.max(largest, values[row * width + c]);
      let sum = 0;
      for (let c = 0; c < width; c++) sum += Math.exp(values[row * width + c] - largest);
      return 1 - 1 / sum;
    });
  },
};
