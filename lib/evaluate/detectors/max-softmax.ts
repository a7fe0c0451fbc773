import { logSumExp } from "../../core/log-sum-exp";
import { byGalaxy } from "../feature-matrix";
import { type Detector, needed } from "./detector";

/** One less the probability of the likeliest class (Hendrycks & Gimpel 2017, arXiv:1610.02136). */
export const maxSoftmax: Detector = {
  name: "max softmax",
  needs: "logits",
  fit: () => (some) =>
    byGalaxy(
      needed(some, "logits", "max softmax"),
      (logits) => 1 - Math.exp(Math.max(...logits) - logSumExp(logits)),
    ),
};
