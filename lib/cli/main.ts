import { command } from "./command";

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

command(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
