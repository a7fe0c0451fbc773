import type { Option, Options, VerbDefinition } from "./verb";

/** Columns of the help: what fits beside other things on a screen. */
const WIDTH = 100;

/** The help of a verb: what it is for, how it is called, its options with their defaults. */
export function helpOf(
  name: string,
  { summary, details, words, options }: Omit<VerbDefinition<Options>, "run">,
): string {
  const [least, most] = words?.count ?? [1, 1];
  const named = words === undefined ? [] : [`${words.name}${most > 1 ? " …" : ""}`];
  const calls = [
    ...named.map((word) => (least === 0 ? `[${word}]` : word)),
    ...Object.entries(options).map(([key, option]) => {
      const call = callOf(key, option);
      const repeated = "multiple" in option ? `${call} …` : call;
      return option.type !== "flag" && option.required !== undefined ? repeated : `[${repeated}]`;
    }),
  ];
  const listed = { ...options, help: { type: "flag", help: "This text." } as const };
  const width = Math.max(...Object.entries(listed).map((entry) => callOf(...entry).length)) + 4;
  const lines = Object.entries(listed).map(([key, option]) => {
    const call = `  ${callOf(key, option)}`.padEnd(width);
    return `${call}${wrapped(sentence(option), width)}`;
  });
  const usage = `tuning-fork ${name}`;
  // An option and its value stay on one line.
  const joined = calls.map((call) => call.replaceAll(" ", "\u00a0")).join(" ");
  const parts = [summary, `${usage} ${wrapped(joined, usage.length + 1)}`];
  if (details !== undefined) parts.push(wrapped(details, 0));
  return [...parts, lines.join("\n")].join("\n\n").replaceAll("\u00a0", " ");
}

function callOf(key: string, option: Option): string {
  if (option.type === "flag") return `--${key}`;
  const value = option.type === "choice" ? option.choices.join("|") : option.type.toUpperCase();
  return `--${key} ${option.value ?? value}`;
}

function sentence(option: Option): string {
  const choices =
    option.type === "choice" && option.value !== undefined
      ? ` One of ${option.choices.join(", ")}.`
      : "";
  const fallback =
    option.type !== "flag" && option.default !== undefined ? ` Default ${option.default}.` : "";
  const repeated = "multiple" in option ? " May be given several times." : "";
  return `${option.help}${choices}${fallback}${repeated}`;
}

/** Lines of at most {@link WIDTH} columns, all but the first moved in. */
function wrapped(text: string, indent: number): string {
  const lines = text.split("\n").flatMap((paragraph) => {
    const broken: string[] = [""];
    for (const word of paragraph.split(" ")) {
      const last = broken[broken.length - 1];
      if (last !== "" && indent + last.length + 1 + word.length > WIDTH) broken.push(word);
      else broken[broken.length - 1] = last === "" ? word : `${last} ${word}`;
    }
    return broken;
  });
  return lines.join(`\n${" ".repeat(indent)}`);
}
