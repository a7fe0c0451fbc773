import { useEffect, useRef, useState } from "preact/hooks";
import { UserError } from "#lib/core/errors";
import type { network } from "./network";
import { keep, type Project, readKept, type StoredPicture } from "./store";

/** All that undo takes back. */
export interface Work {
  readonly project: Project;
  readonly pictures: readonly StoredPicture[];
  /** Names of pictures that were put off. */
  readonly skipped: readonly string[];
  /** A head that was opened. Default: none. */
  readonly opened?: Awaited<ReturnType<typeof network.readHead>>;
}

/** Before anything is labeled. */
export const fresh: Work = {
  project: { question: "Is it a spiral galaxy?", answers: ["yes", "no"], labels: [] },
  pictures: [],
  skipped: [],
};

/** What has been asked and answered, kept for the next visit, with a way back. */
export function useWork(tell: (error: unknown) => void) {
  const [work, setWork] = useState(fresh);
  const now = useRef(fresh);
  const past = useRef<readonly Work[]>([]);

  const become = (next: Work) => {
    keepChanges(now.current, next).catch(tell);
    now.current = next;
    setWork(next);
  };
  /** @param isStep Whether undo goes back to before it. Default true. */
  const change = (next: (before: Work) => Partial<Work>, isStep = true) => {
    if (isStep) past.current = [...past.current, now.current];
    become({ ...now.current, ...next(now.current) });
  };
  const undo = () => {
    const before = past.current.at(-1);
    past.current = past.current.slice(0, -1);
    // An earlier visit leaves its labels, by the order in which they were given.
    const { project } = now.current;
    const labels = project.labels.slice(0, -1);
    become(before ?? { ...now.current, project: { ...project, labels } });
  };

  useEffect(() => {
    readKept()
      .then(({ project = fresh.project, pictures }) => {
        now.current = { ...fresh, project, pictures };
        setWork(now.current);
      })
      .catch(tell);
    // Two tabs would overwrite each other's labels.
    const release = new AbortController();
    navigator.locks.request("teach", { ifAvailable: true }, (lock) => {
      if (lock === null) {
        tell(new UserError("another tab labels already", "close it: what is labeled last is kept"));
        return undefined;
      }
      return new Promise<void>((done) => release.signal.addEventListener("abort", () => done()));
    });
    return () => release.abort();
  }, []);

  const canUndo = past.current.length > 0 || work.project.labels.length > 0;
  return { ...work, change, undo, canUndo };
}

/** Keep what differs. */
async function keepChanges(before: Work, after: Work): Promise<void> {
  if (after.project === before.project && after.pictures === before.pictures) return;
  const [old, next] = [new Set(before.pictures), new Set(after.pictures)];
  await keep(
    after.project,
    after.pictures.filter((picture) => !old.has(picture)),
    before.pictures.filter((picture) => !next.has(picture)),
  );
}
