const { createRequire } = require("node:module");
const { join } = require("node:path");

/** `require` as tslab's own files have it: the same instances of the same packages. */
exports.fromTslab = createRequire(
  join(__dirname, "..", "..", "node_modules", "tslab", "package.json"),
);
