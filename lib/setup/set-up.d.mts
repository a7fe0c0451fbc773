/** See set-up.mjs. */
export function beginSetUp(project: string, options?: { force?: boolean }): void;
export function setUp(
  project: string,
  options?: { engine?: string; kernelUser?: boolean },
): Promise<void>;
