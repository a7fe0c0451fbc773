/**
 * The thread of the control channel and of the heartbeat. It passes requests on to the main thread, and
 * answers back; an interrupt that the main thread does not hear, since a loop never ends, breaks that off.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Reply, Router } from "zeromq";
import { breakOff } from "./guard-shared";
import { decodeMessage } from "./message";

/** How long the main thread may take to hear of an interrupt. */
const HEARS_MS = 300;

/** What the main thread gives its control thread. */
export interface ControlData {
  readonly control: string;
  readonly heartbeat: string;
  readonly key: string;
  /** As in `guard.ts`. */
  readonly shared: Int32Array;
}

async function serve({ control, heartbeat, key, shared }: ControlData): Promise<void> {
  const router = new Router();
  const echo = new Reply();
  await Promise.all([router.bind(control), echo.bind(heartbeat)]);
  let waiting: NodeJS.Timeout | undefined;
  parentPort?.on("message", async (frames: (Uint8Array | string)[] | "heard" | "close") => {
    if (frames === "heard") clearInterval(waiting);
    else if (frames !== "close")
      await router.send(frames.map((frame) => Buffer.from(frame as string)));
    else {
      clearInterval(waiting);
      router.close();
      echo.close();
      parentPort?.close();
    }
  });
  parentPort?.postMessage("open");
  void (async () => {
    for await (const frames of echo) await echo.send(frames);
  })();
  for await (const frames of router) {
    try {
      const { header } = decodeMessage(key, frames);
      parentPort?.postMessage(frames);
      if (!/^(interrupt|shutdown)_request$/.test(header.msg_type)) continue;
      clearInterval(waiting);
      waiting = setInterval(() => breakOff(shared), HEARS_MS);
    } catch {
      // Not signed: not for us.
    }
  }
}

if (workerData) void serve(workerData);
