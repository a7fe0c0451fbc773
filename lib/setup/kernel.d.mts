/** See kernel.mjs. */
export function checkKernel(project: string): { path: string; problem?: string };
