/** See lab.mjs. */
export function choosePort(asked?: number): Promise<number>;
export function runInVenv(project: string, name: string, args: readonly string[]): Promise<number>;
export function serveLab(project: string, port: number, options?: { open?: string }): Promise<number>;
