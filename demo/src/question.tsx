import type { Project } from "./store";

/** Answers that have a key. */
export const MOST_ANSWERS = 9;

/** What is asked, and what can be answered. */
export function Question(props: {
  readonly project: Project;
  readonly onChange: (question: string, answers: readonly string[]) => void;
}) {
  const { question, answers, labels } = props.project;
  const begun = labels.length > 0;
  return (
    <fieldset>
      <legend>Your question</legend>
      <label class="field">
        <span>Question</span>
        <input
          key={question}
          defaultValue={question}
          onChange={({ currentTarget }) => props.onChange(currentTarget.value, answers)}
        />
      </label>
      <label class="field">
        <span>Answers</span>
        <input
          key={answers.join()}
          defaultValue={answers.join(", ")}
          disabled={begun}
          title={begun ? "Undo all labels first" : "Separated by commas, nine at most"}
          onChange={({ currentTarget }) => {
            const names = currentTarget.value.split(",").map((name) => name.trim());
            const some = [...new Set(names.filter(Boolean))].slice(0, MOST_ANSWERS);
            props.onChange(question, some.length < 2 ? answers : some);
          }}
        />
      </label>
    </fieldset>
  );
}
