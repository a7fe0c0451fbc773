import { useState } from "preact/hooks";
import type { Pictures } from "#lib/predict/image-batch";
import { VIEW } from "./crop-view";
import { useLatest } from "./latest";
import type { ModelCard } from "./loaded-network";
import type { Network } from "./network";
import type { Reply } from "./network-worker";
import { Answers, heading, type Intervals, likeliest } from "./ranking";

/** A network that is asked, and what it is. */
export interface Asked {
  readonly network: Network;
  readonly model: ModelCard;
}

/** What a network said of a picture, and where it looked. */
export interface Looked {
  readonly answers: Float64Array;
  /** `[n, n]`, 0…1. */
  readonly map: ArrayLike<number>;
}

/** What one network says of a picture. */
export function Opinion(
  props: Asked & {
    /** Default: there is none yet. */
    readonly picture?: Pictures;
    /** Of what the picture is a part: another one begins with its likeliest answer. */
    readonly source?: object;
    /** What it is called beside another. Default: it is alone. */
    readonly name?: string;
    /** Told of each answer; `chosen`: its map was asked for. */
    readonly onLooked: (looked: Looked, chosen: boolean) => void;
  },
) {
  const { network, model, picture, source, name, onLooked } = props;
  const [reply, setReply] = useState<Reply>();
  const [intervals, setIntervals] = useState<Intervals>();
  const [chosen, setChosen] = useState<{ readonly source?: object; readonly output: number }>();
  const [method, setMethod] = useState(model.methods[0]);
  const output = chosen?.source === source ? chosen?.output : undefined;

  useLatest(async () => {
    if (picture === undefined) return;
    const next = await network.answer([picture]);
    setReply(next);
    setIntervals(await network.intervals(next.answers));
    const target = output ?? likeliest(model, next.answers);
    const map = await network.look(picture, method, target, VIEW / 2);
    onLooked({ answers: next.answers, map }, output !== undefined);
  }, [picture, method, output]);

  const answers = reply?.answers;
  return (
    <section
      aria-label={name === undefined ? "What the network says" : `What ${name} says`}
      aria-live="polite"
    >
      <h2>{heading(model, answers)}</h2>
      {name && (
        <p class="hint">
          {name}: {model.architecture}, {model.inputSize.join(" × ")}
        </p>
      )}
      {reply?.strange?.[0] && (
        <p class="strange">
          This is unlike the galaxies that the network knows: its answer may mean nothing.
        </p>
      )}
      {answers && (
        <>
          <Answers
            model={model}
            answers={answers}
            intervals={intervals}
            chosen={output ?? likeliest(model, answers)}
            onChoose={(next) => setChosen({ source, output: next })}
          />
          <p class="hint">
            {model.calibrated
              ? "Calibrated on galaxies that the network did not learn from."
              : "Not calibrated."}{" "}
            {intervals?.some(Boolean) &&
              "Behind a fraction: where it ends for 80 of 100 groups of a hundred volunteers. "}
            {reply.ms.toFixed(0)} ms.
          </p>
        </>
      )}
      <label class="field">
        <span>Where it looks</span>
        <select value={method} onChange={({ currentTarget }) => setMethod(currentTarget.value)}>
          {model.methods.map((way) => (
            <option key={way}>{way}</option>
          ))}
        </select>
      </label>
    </section>
  );
}
