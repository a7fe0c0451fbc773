/** Does one of the works: `node worker.cjs NAME FOLDER SUPPLIES`. It says when it begins. */
require("tsx/cjs");
const { works } = require("./works.ts");

const [name, folder, supplies] = process.argv.slice(2);
works[name]
  .run(folder, JSON.parse(supplies), () => process.stdout.write("begin\n"))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
