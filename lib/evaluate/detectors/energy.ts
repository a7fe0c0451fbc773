import { logSumExp } from "../../core/log-sum-exp";
import { byGalaxy } from "../feature-matrix";
import { type Detector, needed } from "./detector";

/** The free energy −log Σ exp(logit) (Liu et al. 2020, arXiv:2010.03759), at temperature 1. */
export const energy: Detector = {
  name: "energy",
  needs: "logits",
  fit: () => (some) => byGalaxy(needed(some, "logits", "energy"), (logits) => -logSumExp(logits)),
};
