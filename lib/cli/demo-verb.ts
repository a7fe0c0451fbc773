import { untilInterrupted } from "../notebook/interrupt";
import { openPage } from "../notebook/page";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "The page in the browser: what a network says of a galaxy",
  details:
    "Builds the page and serves it to this machine alone, until Ctrl-C. Nothing leaves the browser.",
  options: {
    run: {
      type: "text",
      value: "RUN",
      help: "A run's folder, whose network the page asks. Default: the small one that comes along.",
    },
    compare: {
      type: "text",
      value: "RUN",
      help: "Another run, whose network answers beside it.",
    },
    port: {
      type: "integer",
      value: "N",
      help: "Where it listens; 0: any port that is free.",
      default: 8787,
      least: 0,
    },
  },
  async run(options) {
    const page = await openPage(options);
    try {
      for (const line of page.says) say(line);
      say(`${page.address}  (Ctrl-C ends it)`);
      await untilInterrupted(
        (signal) => new Promise<void>((done) => signal.addEventListener("abort", () => done())),
      );
    } finally {
      await page.close();
    }
    return undefined;
  },
});
