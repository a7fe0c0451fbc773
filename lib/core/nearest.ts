/**
 * The known word that a mistyped one was meant to be: at most a third of its letters are wrong, missing, too
 * many or exchanged with their neighbor (Damerau-Levenshtein distance, restricted to neighbors).
 *
 * @returns undefined when none is near enough
 */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3));
  const distances = known.map((one) => editDistance(word.toLowerCase(), one.toLowerCase()));
  const least = Math.min(...distances);
  return least <= most ? known[distances.indexOf(least)] : undefined;
}

function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(change, above[j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.length];
}
