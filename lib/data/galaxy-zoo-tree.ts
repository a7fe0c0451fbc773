import type { VoteQuestion } from "./dataset";
import { type DecisionTree, partOfTree } from "./decision-tree";

/** Answers under the names that head the columns of the catalogs: `<question>_<answer>`. */
export function treeQuestion(
  name: string,
  answers: readonly string[],
  ...after: readonly string[]
): VoteQuestion {
  const full = answers.map((answer) => `${name}_${answer}`);
  return { name, answers: full, ...(after.length > 0 ? { after } : {}) };
}

/**
 * The decision tree of Galaxy Zoo 2: 11 questions, 37 answers, under the names that head the columns
 * of Hart et al.'s table (followed there by `_fraction`, `_weighted_fraction`, `_debiased`, …).
 *
 * @see Willett et al. 2013, MNRAS 435, 2835, table 2; Hart et al. 2016, MNRAS 461, 3663
 */
export const gz2Questions: DecisionTree = [
  treeQuestion("t01_smooth_or_features", [
    "a01_smooth",
    "a02_features_or_disk",
    "a03_star_or_artifact",
  ]),
  treeQuestion("t02_edgeon", ["a04_yes", "a05_no"], "t01_smooth_or_features_a02_features_or_disk"),
  treeQuestion("t03_bar", ["a06_bar", "a07_no_bar"], "t02_edgeon_a05_no"),
  treeQuestion("t04_spiral", ["a08_spiral", "a09_no_spiral"], "t02_edgeon_a05_no"),
  treeQuestion(
    "t05_bulge_prominence",
    ["a10_no_bulge", "a11_just_noticeable", "a12_obvious", "a13_dominant"],
    "t02_edgeon_a05_no",
  ),
  // Whoever sees a star or an artifact is asked nothing more.
  treeQuestion(
    "t06_odd",
    ["a14_yes", "a15_no"],
    "t01_smooth_or_features_a01_smooth",
    "t01_smooth_or_features_a02_features_or_disk",
  ),
  treeQuestion(
    "t07_rounded",
    ["a16_completely_round", "a17_in_between", "a18_cigar_shaped"],
    "t01_smooth_or_features_a01_smooth",
  ),
  treeQuestion(
    "t08_odd_feature",
    [
      "a19_ring",
      "a20_lens_or_arc",
      "a21_disturbed",
      "a22_irregular",
      "a23_other",
      "a24_merger",
      "a38_dust_lane",
    ],
    "t06_odd_a14_yes",
  ),
  treeQuestion(
    "t09_bulge_shape",
    ["a25_rounded", "a26_boxy", "a27_no_bulge"],
    "t02_edgeon_a04_yes",
  ),
  treeQuestion(
    "t10_arms_winding",
    ["a28_tight", "a29_medium", "a30_loose"],
    "t04_spiral_a08_spiral",
  ),
  treeQuestion(
    "t11_arms_number",
    ["a31_1", "a32_2", "a33_3", "a34_4", "a36_more_than_4", "a37_cant_tell"],
    "t04_spiral_a08_spiral",
  ),
];

/**
 * The ten questions and thirty answers about the galaxy itself: all but the number of arms, and
 * without the answer that it is a star or an artifact.
 */
export const gz2MainQuestions: DecisionTree = partOfTree(
  gz2Questions,
  (answer) => !answer.startsWith("t11_") && !answer.endsWith("_star_or_artifact"),
);
