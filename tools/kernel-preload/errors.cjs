/** An error shows its message and the lines that concern the person, not the kernel's own. */
const { inspect } = require("node:util");

const logError = console.error;
console.error = (...items) =>
  logError(...items.map((item) => (item instanceof Error ? forPerson(item) : item)));

const KERNEL_LINE = /^\s+at .*(node_modules[\\/](tslab|commander)[\\/]|\(node:|at node:)/;

function forPerson(error) {
  const text =
    error.name === "UserError" // its message says all: no excerpt of code, no list of fields
      ? error.stack.slice(Math.max(0, error.stack.indexOf("UserError:")))
      : inspect(error);
  return text
    .split("\n")
    .map((line) => (KERNEL_LINE.test(line) ? (line.endsWith(" {") ? "{" : undefined) : line))
    .filter((line) => line !== undefined)
    .join("\n");
}
