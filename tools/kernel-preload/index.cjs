/** What tslab lacks, loaded into the kernel's process before it. */
require("./output.cjs");
require("./errors.cjs");
require("./shorthand.cjs");
require("./watch.cjs");
