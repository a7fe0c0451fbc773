import { UserError } from "../core/errors";

/** Do a part of set-up, whose scripts have an error of their own, with this library's error. */
export async function withUserErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && "remedy" in error && !(error instanceof UserError))
      throw new UserError(error.message, String(error.remedy), { cause: error });
    throw error;
  }
}
