import { constants } from "node:os";

/**
 * How a process ended, in words that stand after a unit's name.
 *
 * @param code Its exit code; below 0 or above 128 it stands for a signal. Null where a signal ended it.
 * @param signal The signal. Default: by the code.
 */
export function endOfProcess(code: number | null, signal?: string | null): string {
  const number = code === null ? 0 : code < 0 ? -code : code - 128;
  const [byCode] = Object.entries(constants.signals).find(([, own]) => own === number) ?? [];
  const ended = signal ?? byCode;
  if (ended === undefined) return `ended with code ${code}`;
  const why = ended === "SIGKILL" ? ", by hand or because memory ran out" : "";
  return `was ended by ${ended}${why}`;
}
