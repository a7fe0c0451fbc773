/** See ray.mjs. */
export function rayProgram(project: string): string;
export function installRay(project: string): Promise<boolean>;
