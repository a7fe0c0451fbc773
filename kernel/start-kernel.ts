/** The TypeScript kernel: `node lib/dist/kernel/start-kernel.js CONNECTION_FILE`, as Jupyter starts it. */
import { KernelInterrupt } from "./cell";
import { Connection } from "./connection";
import { isBreak } from "./guard";
import { Kernel } from "./kernel";

const connection = new Connection(process.argv[2]);
const kernel = new Kernel(connection);

process.on("SIGINT", () => kernel.interrupt());
process.on("SIGTERM", () => kernel.end());
// Work that nobody awaits may fail: the cell that started it says so, and the kernel lives on.
for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (error: unknown) => {
    if (isBreak(error)) kernel.stop();
    else if (!(error instanceof KernelInterrupt)) kernel.report(error);
  });

// A Jupyter that was killed cannot say so, and its kernel would train on for nobody.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void kernel.end();
}, 1000).unref();

void connection.open((channel, request) => kernel.receive(channel, request));
