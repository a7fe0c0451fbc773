import { formatCsv } from "#lib/io/csv-text";
import { AccuracyCurve, type AccuracyPoints } from "./accuracy-curve";
import { save } from "./draw";
import { network } from "./network";
import { Ranking } from "./ranking";
import type { Project } from "./store";

/** Labels before a head is trained. */
export const ENOUGH = 10;

/** A head, how it does, and what it says of every picture. */
export type Taught = Awaited<ReturnType<typeof network.teach>>;

/** What the head has learned, and all that can be kept of it. */
export function Learned(props: {
  readonly project: Project;
  /** Default: there is no head yet. */
  readonly taught?: Taught;
  /** Whether the head is one that was opened. */
  readonly isOpened: boolean;
  readonly curve: AccuracyPoints;
  /** Probabilities of the answers about the picture that is shown. Default: not known. */
  readonly guess?: Float64Array;
  readonly onForget: () => void;
  readonly onError: (error: unknown) => void;
}) {
  const { project, taught, isOpened, curve, guess, onForget, onError } = props;
  const saveWeights = async ({ head }: Taught) => {
    try {
      save("taught.safetensors", await network.withHead(head, project.answers));
    } catch (error) {
      onError(error);
    }
  };
  const saveLabels = () => {
    const rows = project.labels.map(({ id, answer }) => [id, id, project.answers[answer]]);
    save("labels.csv", formatCsv(["id", "path", "label"], rows), "text/csv");
  };
  return (
    <>
      <h3>What it has learned</h3>
      {taught ? (
        <p data-testid="accuracy">{howGood(taught, isOpened)}</p>
      ) : (
        <p>A head is trained from {ENOUGH} labels on, of two answers or more.</p>
      )}
      <AccuracyCurve points={curve} />
      {guess && <Ranking outputs={project.answers} answers={guess} />}
      <div class="row">
        <button type="button" disabled={project.labels.length === 0} onClick={saveLabels}>
          Save labels.csv
        </button>
        <button
          type="button"
          disabled={taught === undefined}
          onClick={() => taught && saveWeights(taught)}
        >
          Save weights
        </button>
        <button
          type="button"
          onClick={() => {
            if (confirm("Forget all pictures and labels in this browser?")) onForget();
          }}
        >
          Forget all
        </button>
      </div>
      <p class="hint">
        Put labels.csv into the folder of the pictures:{" "}
        <code>tuning-fork train --data labels.csv</code> takes it, and{" "}
        <code>tuning-fork predict --weights taught.safetensors</code> the weights.
      </p>
    </>
  );
}

function howGood({ accuracy }: Taught, isOpened: boolean): string {
  if (isOpened) return "A head that was opened.";
  if (accuracy === undefined) return "Too few labels to test it.";
  return `${(100 * accuracy).toFixed(0)} % right in five-fold cross-validation.`;
}
