/** A text with the characters that LaTeX takes for itself written out. */
export function escapeLatex(text: string): string {
  return text
    .replaceAll("\\", "\\textbackslash ")
    .replace(/[&%$#_{}]/g, (character) => `\\${character}`)
    .replaceAll("→", "$\\rightarrow$");
}
