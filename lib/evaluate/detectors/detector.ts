import { UserError } from "../../core/errors";
import type { FeatureMatrix } from "../feature-matrix";

/** What a network makes of pictures: all that tells galaxies from other things. */
export interface Seen {
  /** What it sees just before it answers, as `Predictor.features` gives it. */
  readonly features: FeatureMatrix;
  /** Its logits. Default: not known. */
  readonly logits?: FeatureMatrix;
  /** Class of each picture, −1 where it is not known. Default: all are one. */
  readonly labels?: ArrayLike<number>;
  /** Strength of a Dirichlet distribution that it answers with, one a picture. Default: not known. */
  readonly strengths?: ArrayLike<number>;
}

/** One way to tell how strange a picture is to a network. */
export interface Detector {
  /** How it is called in tables and figures. */
  readonly name: string;
  /** What it cannot do without. */
  readonly needs: keyof Seen;
  /**
   * Learn what galaxies are like.
   *
   * @param known Galaxies that the network knows.
   * @returns how strange pictures are, the higher the stranger, one number a picture
   * @throws UserError, as the function returned does, where what it needs is not there
   */
  fit(known: Seen): (some: Seen) => Float64Array;
}

/** @throws UserError where a detector lacks what it needs */
export function needed<K extends keyof Seen>(
  seen: Seen,
  key: K,
  name: string,
): NonNullable<Seen[K]> {
  const found = seen[key];
  if (found !== undefined && found !== null) return found as NonNullable<Seen[K]>;
  throw new UserError(
    `the detector ${name} needs ${key}`,
    "give those of the network, or leave this detector out",
  );
}
