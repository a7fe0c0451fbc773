import { type Detector, needed } from "./detector";

/**
 * How few votes the answer is worth: one over the strength of its Dirichlet distribution (Sensoy et al.
 * 2018, arXiv:1806.01768, for classes).
 */
export const dirichletStrength: Detector = {
  name: "Dirichlet strength",
  needs: "strengths",
  fit: () => (some) =>
    Float64Array.from(needed(some, "strengths", "Dirichlet strength"), (strength) => 1 / strength),
};
