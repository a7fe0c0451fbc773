import type { ModelCard } from "./network-worker";

/** How many answers are shown at first. */
const SHOWN = 5;

/** What is said above the answers: the likeliest class, where classes exclude each other. */
export function heading(model: ModelCard, answers?: ArrayLike<number>): string {
  if (answers === undefined) return "Looking …";
  const best = Array.from(answers).indexOf(Math.max(...Array.from(answers)));
  return model.task === "classification" ? model.outputs[best] : "What volunteers would say";
}

/**
 * The answers as names with bars, the likeliest first; those of several questions stay in their order. A
 * press on one asks where it is seen.
 */
export function Ranking(props: {
  readonly outputs: readonly string[];
  readonly answers: ArrayLike<number>;
  /** Whether they belong to several questions. Default: to one. */
  readonly several?: boolean;
  /** Index of the answer whose map is shown. Default: none. */
  readonly chosen?: number;
  readonly onChoose?: (output: number) => void;
}) {
  const { outputs, answers, several = false, chosen, onChoose } = props;
  const order = outputs.map((_, i) => i);
  if (!several) order.sort((a, b) => answers[b] - answers[a]);
  return (
    <ol class="ranking" aria-label={several ? "Answers" : "Answers, the likeliest first"}>
      {order.map((output, place) => {
        const percent = `${(100 * answers[output]).toFixed(1)} %`;
        const row = (
          <>
            <span class="name">{outputs[output]}</span>
            <span class="share">{percent}</span>
            <span class="bar" style={{ "--share": answers[output] }} />
          </>
        );
        return (
          <li key={output} class={place >= SHOWN && !several ? "minor" : ""}>
            {onChoose ? (
              <button
                type="button"
                aria-pressed={chosen === output}
                title="Show where it is seen"
                onClick={() => onChoose(output)}
              >
                {row}
              </button>
            ) : (
              <div>{row}</div>
            )}
          </li>
        );
      })}
    </ol>
  );
}
