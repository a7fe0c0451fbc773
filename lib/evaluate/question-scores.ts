import { argmax } from "../core/argmax";
import { questionRanges } from "../data/decision-tree";
import { confusionScores } from "./classification-scores";
import type { VotePredictions } from "./vote-predictions";

/** Volunteers agree on an answer that has more than this share of them. */
const AGREED = 0.8;

/** How often the answer that most volunteers gave is the predicted one. */
export interface QuestionScores {
  /** Of the question. */
  readonly name: string;
  /** Galaxies whose volunteers were asked. */
  readonly galaxies: number;
  /** Share of them of which the most frequent answer is the predicted one. */
  readonly accuracy: number;
  /** The same of whoever always says the answer that is most often the most frequent. */
  readonly accuracyOfMostFrequent: number;
  /** Mean F1 of the answers that occur. */
  readonly macroF1: number;
  /** Galaxies on which the volunteers agree: more than 80 % gave one answer. */
  readonly agreedGalaxies: number;
  /** As `accuracy`, of those; null where there are none. */
  readonly agreedAccuracy: number | null;
  /** As `macroF1`, of those; null where there are none. */
  readonly agreedMacroF1: number | null;
}

/** How often each question is answered as most volunteers did, of the galaxies of which that is known. */
export function questionScores({
  questions,
  answers,
  truth,
  values,
}: Pick<VotePredictions, "questions" | "answers" | "truth" | "values">): QuestionScores[] {
  const k = answers.length;
  const rows = truth.length / k;
  return questionRanges(questions).map(({ question, from, to }) => {
    const empty = () => question.answers.map(() => question.answers.map(() => 0));
    const [all, agreed] = [empty(), empty()];
    for (let row = 0; row < rows; row++) {
      const own = truth.subarray(row * k + from, row * k + to);
      if (own.some(Number.isNaN)) continue;
      const said = argmax(own);
      const predicted = argmax(values.subarray(row * k + from, row * k + to));
      all[said][predicted]++;
      if (own[said] > AGREED) agreed[said][predicted]++;
    }
    const [scores, agreedScores] = [confusionScores(all), confusionScores(agreed)];
    const supports = scores.classes.map(({ support }) => support);
    const galaxies = supports.reduce((a, b) => a + b, 0);
    const agreedGalaxies = agreed.flat().reduce((a, b) => a + b, 0);
    return {
      name: question.name,
      galaxies,
      accuracy: scores.accuracy,
      accuracyOfMostFrequent: galaxies === 0 ? 0 : Math.max(...supports) / galaxies,
      macroF1: scores.macroF1,
      agreedGalaxies,
      agreedAccuracy: agreedGalaxies === 0 ? null : agreedScores.accuracy,
      agreedMacroF1: agreedGalaxies === 0 ? null : agreedScores.macroF1,
    };
  });
}
