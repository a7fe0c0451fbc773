import { useEffect, useRef } from "preact/hooks";

/** Run something after each change, one at a time; of those that come meanwhile only the newest. */
export function useLatest(run: () => Promise<void>, changes: readonly unknown[]): void {
  const state = useRef({ busy: false, again: false, run });
  state.current.run = run;
  useEffect(() => {
    const { current } = state;
    const next = async () => {
      current.busy = true;
      current.again = false;
      await current.run().catch((error) => console.error(error));
      current.busy = false;
      if (current.again) next();
    };
    if (current.busy) current.again = true;
    else next();
  }, changes);
}
