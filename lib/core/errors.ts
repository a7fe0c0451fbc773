/**
 * An error that a person can act on: what was wrong and where, what was expected, what to do.
 * The command prints it without a stack; a notebook shows the message first.
 */
export class UserError extends Error {
  /** By which it is known where two copies of the package meet. */
  override readonly name = "UserError";

  /**
   * @param problem What was wrong: file, row, key and value, and what was expected instead.
   * @param remedy What the person can do about it.
   * @param options `cause`: the error underneath, if any.
   */
  constructor(
    readonly problem: string,
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(`${problem}\n  → ${remedy}`, options);
  }
}
