#!/usr/bin/env node
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const main = join(__dirname, "..", "dist", "cli", "main.js");
if (!existsSync(main)) {
  console.error("tuning-fork is not built yet. Run `npm start` once, or `npm run build`.");
  process.exit(1);
}
require(main);
