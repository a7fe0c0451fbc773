import { useRef, useState } from "preact/hooks";
import type { Pictures } from "#lib/predict/image-batch";
import { cut, middle, save } from "./draw";
import { FilePicker } from "./file-picker";
import type { ModelCard } from "./loaded-network";
import { network, sentence } from "./network";

/** Pictures that are computed together. */
const TOGETHER = 8;

/** A folder in, a table out. */
export function Batch({ model }: { readonly model: ModelCard }) {
  const [done, setDone] = useState(0);
  const [total, setTotal] = useState(0);
  const [csv, setCsv] = useState("");
  const [problems, setProblems] = useState<string[]>([]);
  const stop = useRef(false);

  const run = async (files: readonly File[]) => {
    stop.current = false;
    setCsv("");
    setProblems([]);
    setDone(0);
    setTotal(files.length);
    const ids: string[] = [];
    const answers: number[] = [];
    let waiting: { id: string; picture: Pictures }[] = [];
    const flush = async () => {
      if (waiting.length === 0) return;
      const found = await network.answer(waiting.map(({ picture }) => picture));
      ids.push(...waiting.map(({ id }) => id));
      answers.push(...found.answers);
      waiting = [];
    };
    for (const [i, file] of files.entries()) {
      if (stop.current) break;
      try {
        const picture = await network.decode(file);
        const side = await network.usualSide(picture.size);
        const id = file.webkitRelativePath || file.name;
        waiting.push({ id, picture: cut(picture, middle(picture.size, side)) });
        if (waiting.length === TOGETHER) await flush();
      } catch (error) {
        setProblems((before) => [...before, sentence(error)]);
      }
      setDone(i + 1);
    }
    try {
      await flush();
      if (ids.length > 0) setCsv(await network.csv(ids, Float64Array.from(answers)));
    } catch (error) {
      setProblems((before) => [...before, sentence(error)]);
    }
    setTotal(0);
  };

  const rows = csv.trimEnd().split("\n");
  return (
    <section aria-label="Many pictures">
      <h2>A folder in, a table out</h2>
      <p>
        Each picture is asked about as <code>{model.outputs.length} outputs</code>; the table is the
        one that <code>tuning-fork predict</code> writes.
      </p>
      <FilePicker onFiles={run} />
      {total > 0 && (
        <p role="status">
          <label>
            {done} of {total} <progress value={done} max={total} />
          </label>{" "}
          <button
            type="button"
            onClick={() => {
              stop.current = true;
            }}
          >
            Stop
          </button>
        </p>
      )}
      {problems.length > 0 && (
        <details open>
          <summary>{problems.length} left out</summary>
          <ul class="problem">
            {problems.slice(0, 20).map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </details>
      )}
      {csv && (
        <>
          <p role="status">
            {rows.length - 1} pictures.{" "}
            <button
              type="button"
              class="main"
              onClick={() => save("predictions.csv", csv, "text/csv")}
            >
              Save predictions.csv
            </button>
          </p>
          <pre>{rows.slice(0, 12).join("\n")}</pre>
        </>
      )}
    </section>
  );
}
