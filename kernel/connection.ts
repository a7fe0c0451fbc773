import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Publisher, Router } from "zeromq";
import type { ControlData } from "./control-thread";
import { shared } from "./guard-shared";
import { type Content, decodeMessage, encodeMessage, type Message, makeMessage } from "./message";

interface ConnectionFile {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly shell_port: number;
  readonly control_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly hb_port: number;
}

/** Where a message comes from, and where its answer goes. */
export type Channel = "shell" | "control" | "stdin";

/** The five sockets between Jupyter and the kernel; two of them are a thread's, which always answers. */
export class Connection {
  readonly #file: ConnectionFile;
  readonly #iopub = new Publisher({ sendHighWaterMark: 0 }); // a slow reader loses nothing
  readonly #shell = new Router();
  readonly #stdin = new Router();
  #thread: Worker | undefined;
  /** Frames that wait to be sent, by socket; a socket is in the map while its queue is emptied. */
  readonly #waiting = new Map<Publisher | Router, (Buffer | string)[][]>();

  /** @param path The connection file that Jupyter wrote. */
  constructor(path: string) {
    this.#file = JSON.parse(readFileSync(path, "utf8"));
  }

  /** Open the sockets and hand every request to `receive`; one that is not signed is ignored. */
  async open(receive: (channel: Channel, request: Message) => void): Promise<void> {
    const { transport, ip, ...file } = this.#file;
    const between = transport === "ipc" ? "-" : ":";
    const address = (port: number) => `${transport}://${ip}${between}${port}`;
    const workerData: ControlData = {
      control: address(file.control_port),
      heartbeat: address(file.hb_port),
      key: file.key,
      shared,
    };
    const thread = new Worker(join(__dirname, "control-thread.js"), { workerData });
    this.#thread = thread;
    const take = (channel: Channel, frames: Buffer[]) => {
      let request: Message;
      try {
        request = decodeMessage(file.key, frames);
      } catch {
        return;
      }
      receive(channel, request);
    };
    await Promise.all([
      this.#iopub.bind(address(file.iopub_port)),
      this.#shell.bind(address(file.shell_port)),
      this.#stdin.bind(address(file.stdin_port)),
      new Promise((open) => thread.once("message", open)),
    ]);
    thread.on("message", (frames: Uint8Array[]) => {
      thread.postMessage("heard");
      take(
        "control",
        frames.map((frame) => Buffer.from(frame)),
      );
    });
    const read = async (channel: Channel, socket: Router) => {
      for await (const frames of socket) take(channel, frames);
    };
    await Promise.all([read("shell", this.#shell), read("stdin", this.#stdin)]);
  }

  /** Tell everybody what a request brought about. */
  publish(type: string, content: Content, parent?: Message): void {
    const message = makeMessage(type, content, parent);
    const topic = [Buffer.from(`kernel.${type}`)];
    this.#send(this.#iopub, encodeMessage(this.#file.key, { ...message, identities: topic }));
  }

  /**
   * Answer whoever asked; on `stdin`, ask them.
   *
   * @returns the message's id
   */
  reply(channel: Channel, type: string, content: Content, request: Message): string {
    const message = makeMessage(type, content, request);
    const frames = encodeMessage(this.#file.key, message);
    if (channel === "control") this.#thread?.postMessage(frames);
    else this.#send(channel === "stdin" ? this.#stdin : this.#shell, frames);
    return message.header.msg_id;
  }

  /**
   * ZeroMQ takes about five hundred messages in one turn of the event loop; then a send is refused
   * as busy. Such a message waits its turn.
   */
  #send(socket: Publisher | Router, frames: (Buffer | string)[]): void {
    const queue = this.#waiting.get(socket);
    if (queue) {
      queue.push(frames);
      return;
    }
    const wait = (error: NodeJS.ErrnoException) => {
      if (error.code !== "EBUSY") return;
      const later = this.#waiting.get(socket);
      if (later) later.push(frames);
      else {
        this.#waiting.set(socket, [frames]);
        // In a turn of its own: an interrupt may break off what the running cell has set going.
        setImmediate(() => this.#empty(socket));
      }
    };
    try {
      socket.send(frames).catch(wait); // refused later,
    } catch (error) {
      wait(error as NodeJS.ErrnoException); // or at once
    }
  }

  async #empty(socket: Publisher | Router): Promise<void> {
    const queue = this.#waiting.get(socket) ?? [];
    while (queue.length > 0) {
      try {
        await socket.send(queue[0]);
        queue.shift();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") break; // closed
        await new Promise(setImmediate);
      }
    }
    this.#waiting.delete(socket);
  }

  /** Send what still waits, and close the sockets. */
  async close(): Promise<void> {
    while (this.#waiting.size > 0) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 50)); // the last replies leave
    this.#iopub.close();
    this.#shell.close();
    this.#stdin.close();
    const ended = new Promise((done) => this.#thread?.once("exit", done));
    this.#thread?.postMessage("close");
    await ended;
  }
}
