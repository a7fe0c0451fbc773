import { type Detector, needed } from "./detector";

/** The free energy −log Σ exp(logit) (Liu et al. 2020, arXiv:2010.03759), at temperature 1. */
export const energy: Detector = {
  name: "energy",
  needs: "logits",
  fit: () => (some) => {
    const { values, width } = needed(some, "logits", "energy");
    return Float64Array.from({ length: values.length / width }, (_, row) => {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < width; c++) largest = Math.max(largest, values[row * width + c]);
      let sum = 0;
      for (let c = 0; c < width; c++) sum += Math.exp(values[row * width + c] - largest);
      return -largest - Math.log(sum);
    });
  },
};
