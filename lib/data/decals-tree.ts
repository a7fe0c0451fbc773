import type { DecisionTree } from "./decision-tree";
import { treeQuestion } from "./galaxy-zoo-tree";

/**
 * The decision tree of Galaxy Zoo DECaLS' last campaign, by which Galaxy Zoo DESI is labeled too: 10
 * questions, 34 answers, under the names that head the columns of their catalogs.
 *
 * @see Walmsley et al. 2022, MNRAS 509, 3966, figure 4; Walmsley et al. 2023, MNRAS 526, 4768
 */
export const decalsQuestions: DecisionTree = [
  treeQuestion("smooth-or-featured", ["smooth", "featured-or-disk", "artifact"]),
  treeQuestion("disk-edge-on", ["yes", "no"], "smooth-or-featured_featured-or-disk"),
  treeQuestion("has-spiral-arms", ["yes", "no"], "disk-edge-on_no"),
  treeQuestion("bar", ["strong", "weak", "no"], "disk-edge-on_no"),
  treeQuestion("bulge-size", ["dominant", "large", "moderate", "small", "none"], "disk-edge-on_no"),
  treeQuestion("how-rounded", ["round", "in-between", "cigar-shaped"], "smooth-or-featured_smooth"),
  treeQuestion("edge-on-bulge", ["boxy", "none", "rounded"], "disk-edge-on_yes"),
  treeQuestion("spiral-winding", ["tight", "medium", "loose"], "has-spiral-arms_yes"),
  treeQuestion(
    "spiral-arm-count",
    ["1", "2", "3", "4", "more-than-4", "cant-tell"],
    "has-spiral-arms_yes",
  ),
  treeQuestion(
    "merging",
    ["none", "minor-disturbance", "major-disturbance", "merger"],
    "smooth-or-featured_smooth",
    "smooth-or-featured_featured-or-disk",
  ),
];
