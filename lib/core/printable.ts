/**
 * Text as a terminal may print it: a name out of a file may hold characters that move the cursor, color the
 * screen or turn the direction of writing. They become `\u001b` and the like, as JSON has them; line ends and
 * tabs stay.
 */
export function printable(text: string): string {
  return text.replace(
    // Control characters of ASCII and Latin-1, and those that change the direction of text.
    /[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
