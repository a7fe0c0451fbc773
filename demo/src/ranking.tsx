import type { ModelCard } from "./loaded-network";

/** How many answers are shown at first. */
const SHOWN = 5;

/** What is said above the answers: the likeliest class, where classes exclude each other. */
export function heading(model: ModelCard, answers?: ArrayLike<number>): string {
  if (answers === undefined) return "Looking …";
  const votes = model.task !== "classification";
  return votes ? "What volunteers would say" : model.outputs[likeliest(model, answers)];
}

/** Column of the likeliest answer to the first question. */
export function likeliest({ questions }: ModelCard, answers: ArrayLike<number>): number {
  return questions[0].columns.reduce((best, column) =>
    answers[column] > answers[best] ? column : best,
  );
}

/** Between which fractions an answer lies with a chance of 80 %, by output; none where that is not known. */
export type Intervals = readonly (readonly [low: number, high: number] | undefined)[];

/** The answers of one question as names with bars, the likeliest first; a press on one asks where it is seen. */
export function Ranking(props: {
  readonly outputs: readonly string[];
  readonly answers: ArrayLike<number>;
  /** How sure they are. Default: not shown. */
  readonly intervals?: Intervals;
  /** Columns of the answers that are shown. Default: all. */
  readonly columns?: readonly number[];
  /** Index of the answer whose map is shown. Default: none. */
  readonly chosen?: number;
  readonly onChoose?: (output: number) => void;
}) {
  const { outputs, answers, intervals, chosen, onChoose } = props;
  const columns = props.columns ?? outputs.map((_, i) => i);
  const order = [...columns].sort((a, b) => answers[b] - answers[a]);
  return (
    <ol class="ranking" aria-label="Answers, the likeliest first">
      {order.map((output, place) => {
        const percent = `${(100 * answers[output]).toFixed(1)} %`;
        const span = intervals?.[output];
        const row = (
          <>
            <span class="name">{outputs[output]}</span>
            <span class="share">
              {percent}
              {span && <small> {span.map((end) => Math.round(100 * end)).join("–")}</small>}
            </span>
            <span class="bar" style={{ "--share": answers[output] }} />
            {span && <span class="span" style={{ "--low": span[0], "--high": span[1] }} />}
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

/** The answers to every question of a model. */
export function Answers(props: {
  readonly model: ModelCard;
  readonly answers: ArrayLike<number>;
  readonly intervals?: Intervals;
  readonly chosen?: number;
  readonly onChoose?: (output: number) => void;
}) {
  const { model, ...rest } = props;
  return (
    <>
      {model.questions.map(({ name, columns }) => (
        <div key={name}>
          {name && <h3>{name}</h3>}
          <Ranking outputs={model.outputs} columns={columns} {...rest} />
        </div>
      ))}
    </>
  );
}
