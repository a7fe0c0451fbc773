import { join, resolve } from "node:path";

/** This repository's folder, for the tools that belong to it. */
export const ROOT = resolve(import.meta.dirname, "..");

/** A path in it. */
export const inRepository = (...parts) => join(ROOT, ...parts);
