import { useEffect, useRef, useState } from "preact/hooks";
import { UserError } from "#lib/core/errors";
import { leastSure } from "#lib/evaluate/acquisition";
import { parseCsv } from "#lib/io/csv-table";
import type { AccuracyPoints } from "./accuracy-curve";
import { CropView } from "./crop-view";
import type { Decoded } from "./decode";
import { cut, middle } from "./draw";
import { FileField } from "./file-field";
import { FilePicker } from "./file-picker";
import { useLatest } from "./latest";
import { ENOUGH, Learned, type Taught } from "./learned";
import { network, sentence } from "./network";
import { MOST_ANSWERS, Question } from "./question";
import type { Project } from "./store";
import { fresh, useWork } from "./work";

/** Label your own galaxies with a key each; a head learns your question as you go. */
export function Teach() {
  const [taught, setTaught] = useState<Taught>();
  const [shown, setShown] = useState<{ readonly id: string; readonly picture: Decoded }>();
  const [reading, setReading] = useState("");
  const [problems, setProblems] = useState<readonly string[]>([]);
  const [curve, setCurve] = useState<AccuracyPoints>([]);
  const tell = (error: unknown) => setProblems((before) => [...before, sentence(error)]);
  const { project, pictures, skipped, opened, change, undo, canUndo } = useWork(tell);

  const update = (next: Partial<Project>) =>
    change(({ project }) => ({ project: { ...project, ...next } }));
  const labelOf = new Map(project.labels.map(({ id, answer }) => [id, answer]));
  const add = async (files: readonly File[]) => {
    setProblems([]);
    const known = new Set(pictures.map(({ id }) => id));
    let isFirst = true;
    for (const [i, file] of files.entries()) {
      setReading(`${i + 1} of ${files.length}`);
      const id = file.webkitRelativePath || file.name;
      if (known.has(id)) continue;
      try {
        const picture = await network.decode(file);
        const side = await network.usualSide(picture.size);
        const part = cut(picture, middle(picture.size, side));
        const stored = { id, file, features: await network.features([part]) };
        change(({ pictures }) => ({ pictures: [...pictures, stored] }), isFirst);
        isFirst = false;
      } catch (error) {
        tell(error);
      }
    }
    setReading("");
  };

  /** Labels of a CSV `id,label`, such as this page saves; those of pictures that are here. */
  const load = async (file: File) => {
    try {
      const { columns } = parseCsv(await file.text(), file.name, { id: "text", label: "text" });
      const ids = columns.id as readonly string[];
      const names = columns.label as readonly string[];
      const answers = [...new Set([...project.answers, ...names])];
      const used = project.labels.length === 0 ? [...new Set(names)] : answers;
      if (used.length > MOST_ANSWERS || used.length < 2) {
        const problem = `${file.name} has ${used.length} different labels`;
        throw new UserError(problem, `give one with 2 to ${MOST_ANSWERS}`);
      }
      const here = new Set(pictures.map(({ id }) => id));
      const given = ids.flatMap((id, row) =>
        here.has(id) ? [{ id, answer: used.indexOf(names[row]) }] : [],
      );
      const loaded = new Set(given.map(({ id }) => id));
      const kept = project.labels.filter(({ id }) => !loaded.has(id));
      update({ answers: used, labels: [...kept, ...given] });
      if (given.length < ids.length) {
        const missing = `${ids.length - given.length} of ${ids.length} rows of ${file.name} have no picture here`;
        throw new UserError(missing, "open the pictures first");
      }
    } catch (error) {
      tell(error);
    }
  };

  /** A head that was saved here: it guesses until there are labels for one of their own. */
  const openHead = async (file: File) => {
    try {
      const next = await network.readHead(file);
      const own = project.answers.join() === next.answers.join();
      if (!own && project.labels.length > 0) {
        throw new UserError(
          `${file.name} answers ${next.answers.join(", ")}, and labels of ${project.answers.join(", ")} are given`,
          "save your labels, and press Forget all first",
        );
      }
      change(({ project }) => ({
        project: own ? project : { ...project, answers: next.answers },
        opened: next,
      }));
    } catch (error) {
      tell(error);
    }
  };

  // The head follows the labels.
  useLatest(async () => {
    const labels = pictures.map(({ id }) => labelOf.get(id) ?? -1);
    const given = labels.filter((label) => label >= 0);
    const enough = given.length >= ENOUGH && new Set(given).size > 1;
    if (pictures.length === 0 || (!enough && opened === undefined)) {
      setTaught(undefined);
      return;
    }
    const all = new Float32Array(pictures.length * pictures[0].features.length);
    for (const [i, { features }] of pictures.entries()) all.set(features, i * features.length);
    if (!enough && opened !== undefined) {
      const { head } = opened;
      const probabilities = await network.askHead(head, all);
      setTaught({ head, accuracy: undefined, probabilities });
      return;
    }
    const next = await network.teach(all, labels, project.answers.length);
    setTaught(next);
    const { accuracy } = next;
    if (accuracy === undefined) return;
    setCurve((before) => [
      ...before.filter((point) => point.labels < given.length),
      { labels: given.length, accuracy },
    ]);
  }, [project, pictures, opened]);

  const order =
    taught && taught.probabilities.length === pictures.length * project.answers.length
      ? leastSure(taught.probabilities, project.answers.length)
      : pictures.map((_, row) => row);
  const open = order.filter((row) => !labelOf.has(pictures[row].id));
  const next = open.find((row) => !skipped.includes(pictures[row].id)) ?? open[0];
  const current = next === undefined ? undefined : pictures[next];
  useLatest(async () => {
    if (current === undefined || current.id === shown?.id) return;
    const picture = await network.decode(current.file);
    const side = await network.usualSide(picture.size);
    setShown({ id: current.id, picture: cut(picture, middle(picture.size, side)) });
  }, [current?.id]);

  const label = (answer: number) => {
    if (current === undefined || shown?.id !== current.id) return;
    update({ labels: [...project.labels, { id: current.id, answer }] });
  };
  const skip = () => current && change(({ skipped }) => ({ skipped: [...skipped, current.id] }));
  const onKey = useRef((_: KeyboardEvent) => {});
  onKey.current = ({ key, target }) => {
    if (target instanceof HTMLInputElement) return;
    const answer = Number(key) - 1;
    if (answer >= 0 && answer < project.answers.length) label(answer);
    if (key === "u" && canUndo) undo();
    if (key === "s") skip();
  };
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  const k = project.answers.length;
  const guess =
    taught && next !== undefined && taught.probabilities.length === pictures.length * k
      ? taught.probabilities.subarray(next * k, (next + 1) * k)
      : undefined;
  return (
    <div class="columns">
      <section
        aria-label="The picture"
        data-picture={current?.id}
        data-ready={current !== undefined && shown?.id === current.id ? "" : undefined}
      >
        {shown && current ? (
          <CropView
            picture={shown.picture}
            crop={middle(shown.picture.size)}
            onCrop={() => {}}
            opacity={0}
          />
        ) : (
          <div class="crop empty">
            {pictures.length === 0 ? "Open galaxies without labels" : "All are labeled"}
          </div>
        )}
        <h2>{project.question}</h2>
        <div class="row">
          {project.answers.map((answer, i) => (
            <button
              type="button"
              key={answer}
              class="main"
              disabled={!current}
              onClick={() => label(i)}
            >
              <kbd>{i + 1}</kbd> {answer}
            </button>
          ))}
          <button type="button" disabled={!current} onClick={skip}>
            <kbd>s</kbd> skip
          </button>
          <button type="button" disabled={!canUndo} onClick={undo}>
            <kbd>u</kbd> undo
          </button>
        </div>
        <p role="status">
          {project.labels.length} of {pictures.length} labeled.{" "}
          {taught ? "Those that the head is least sure of come first." : ""}
        </p>
      </section>
      <section aria-label="The question">
        <Question
          project={project}
          onChange={(question, answers) => update({ question, answers })}
        />
        <FilePicker onFiles={add} />
        <FileField
          label="Labels that you have already (CSV with id and label)"
          accept=".csv"
          onFile={load}
        />
        <FileField label="Weights that this page saved" accept=".safetensors" onFile={openHead} />
        {reading && <p role="status">Reading {reading} …</p>}
        {problems.length > 0 && (
          <ul class="problem" role="alert">
            {problems.slice(-5).map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        )}
        <Learned
          project={project}
          taught={taught}
          isOpened={opened !== undefined && project.labels.length < ENOUGH}
          curve={curve}
          guess={guess}
          onForget={() => {
            change(() => ({ ...fresh, opened: undefined }));
            setCurve([]);
          }}
          onError={tell}
        />
      </section>
    </div>
  );
}
