import { Random } from "../core/random";
import type { Votes } from "./dataset";
import { decalsQuestions } from "./decals-tree";
import { questionRanges, treeAnswers } from "./decision-tree";
import type { GalaxyParameters } from "./galaxy-parameters";

/** Volunteers who look at each galaxy. */
const VOLUNTEERS = 40;

/** Share of volunteers who see x above a threshold that none sees quite where it is. */
const above = (x: number, threshold: number, softness: number) =>
  1 / (1 + Math.exp(-(x - threshold) / softness));

/** Shares of volunteers who call x by each of several names that follow one another. */
function between(x: number, thresholds: readonly number[], softness: number): number[] {
  const over = [1, ...thresholds.map((threshold) => above(x, threshold, softness)), 0];
  return over.slice(1).map((share, i) => over[i] - share);
}

/**
 * What volunteers would say about a synthetic galaxy: the share of those who are asked, for each answer of
 * {@link decalsQuestions}, from the parameters that it was made with. Where these are near the border
 * between two answers, opinions differ.
 */
export function voteChances(galaxy: GalaxyParameters): number[] {
  const { axisRatio, bulgeFraction, armStrength, arms, pitch, barFraction } = galaxy;
  const smooth = 0.93 * above(bulgeFraction, 0.6, 0.1) + 0.02;
  const edgeOn = above(axisRatio, 0.25, 0.04);
  const spiral = 0.03 + 0.94 * above(armStrength, 0.35, 0.08);
  const bar = above(barFraction, 0.1, 0.03);
  const strong = above(barFraction, 0.22, 0.03);
  const armShare = (count: number) => (arms === count ? 0.82 : 0.03);
  const disturbed = galaxy.lopsidedness + 6 * galaxy.tailFraction + 3 * Math.abs(galaxy.bend);
  const merger = galaxy.separation > 0 ? 0.85 : 0.02;
  const disturbance = between(disturbed, [0.4, 1.4], 0.15).map((share) => (1 - merger) * share);
  const bulge = between(bulgeFraction, [0.04, 0.12, 0.24, 0.4], 0.03).reverse();
  return [
    ...[0.98 * smooth, 0.98 * (1 - smooth), 0.02],
    ...[1 - edgeOn, edgeOn],
    ...[spiral, 1 - spiral],
    ...[bar * strong, bar * (1 - strong), 1 - bar],
    ...bulge,
    ...between(axisRatio, [0.45, 0.8], 0.05).reverse(),
    ...[0.08 * above(bulgeFraction, 0.12, 0.04), 1 - above(bulgeFraction, 0.12, 0.04)],
    0.92 * above(bulgeFraction, 0.12, 0.04),
    ...between(pitch, [12, 22], 1.5),
    ...[armShare(1), armShare(2), armShare(3), armShare(4), 0.03],
    1 - 0.03 - armShare(1) - armShare(2) - armShare(3) - armShare(4),
    ...[...disturbance, merger],
  ];
}

/**
 * Votes about synthetic galaxies: 40 volunteers a galaxy go down the tree, each drawing an
 * answer by {@link voteChances}.
 *
 * @param seed Of the draws; 42 by default.
 */
export function drawVotes(galaxies: readonly GalaxyParameters[], seed = 42): Votes {
  return votesOfCounts(drawCounts(galaxies, seed));
}

/** How many volunteers gave each answer, `[galaxies, answers]`; see {@link drawVotes}. */
export function drawCounts(galaxies: readonly GalaxyParameters[], seed = 42): Float32Array {
  const ranges = questionRanges(decalsQuestions);
  const k = treeAnswers(decalsQuestions).length;
  const all = new Float32Array(galaxies.length * k);
  for (const [row, galaxy] of galaxies.entries()) {
    const random = new Random(seed, `votes ${row}`);
    const chances = voteChances(galaxy);
    const counts = all.subarray(row * k, (row + 1) * k);
    for (const { from, to, after } of ranges) {
      const voters = after.length === 0 ? VOLUNTEERS : after.reduce((n, a) => n + counts[a], 0);
      for (let i = 0; i < voters; i++) {
        let left = random.uniform();
        let answer = from;
        while (answer < to - 1 && left >= chances[answer]) left -= chances[answer++];
        counts[answer]++;
      }
    }
  }
  return all;
}

/** What {@link drawCounts} drew, as votes. */
export function votesOfCounts(counts: Float32Array): Votes {
  const questions = decalsQuestions;
  const answers = treeAnswers(questions);
  const k = answers.length;
  const rows = counts.length / k;
  const asked = new Float64Array(rows * questions.length);
  const fractions = new Float64Array(counts.length);
  for (const [q, { from, to }] of questionRanges(questions).entries()) {
    for (let row = 0; row < rows; row++) {
      const own = counts.subarray(row * k + from, row * k + to);
      // Whoever is asked gives one answer.
      const voters = own.reduce((sum, count) => sum + count, 0);
      asked[row * questions.length + q] = voters;
      own.forEach((count, a) => {
        fractions[row * k + from + a] = voters > 0 ? count / voters : Number.NaN;
      });
    }
  }
  return { questions, answers, fractions, asked };
}
