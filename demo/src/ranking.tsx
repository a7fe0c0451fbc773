/** How many answers are shown at first. */
const SHOWN = 5;

/** The answers, the likeliest first, as names with bars; a press on one asks where it is seen. */
export function Ranking(props: {
  readonly outputs: readonly string[];
  readonly answers: ArrayLike<number>;
  /** Index of the answer whose map is shown. Default: none. */
  readonly chosen?: number;
  readonly onChoose?: (output: number) => void;
}) {
  const { outputs, answers, chosen, onChoose } = props;
  const order = outputs.map((_, i) => i).sort((a, b) => answers[b] - answers[a]);
  return (
    <ol class="ranking" aria-label="Answers, the likeliest first">
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
          <li key={output} class={place >= SHOWN ? "minor" : ""}>
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
