import { readFileSync } from "node:fs";
import { Publisher, Reply, Router } from "zeromq";
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

type Channel = "shell" | "control";

/** The five sockets between Jupyter and the kernel. */
export class Connection {
  readonly #file: ConnectionFile;
  readonly #iopub = new Publisher({ sendHighWaterMark: 0 }); // a slow reader loses nothing
  readonly #routers = { shell: new Router(), control: new Router(), stdin: new Router() };
  readonly #heartbeat = new Reply();
  /** Frames that wait to be sent, by socket; a socket is in the map while its queue is emptied. */
  readonly #waiting = new Map<Publisher | Router, (Buffer | string)[][]>();

  /** @param path The connection file that Jupyter wrote. */
  constructor(path: string) {
    this.#file = JSON.parse(readFileSync(path, "utf8"));
  }

  /** Open the sockets and hand every request to `receive`; one that is not signed is ignored. */
  async open(receive: (channel: Channel, request: Message) => void): Promise<void> {
    const { transport, ip, ...file } = this.#file;
    const address = (port: number) => `${transport}://${ip}:${port}`;
    await Promise.all([
      this.#iopub.bind(address(file.iopub_port)),
      this.#routers.shell.bind(address(file.shell_port)),
      this.#routers.control.bind(address(file.control_port)),
      this.#routers.stdin.bind(address(file.stdin_port)),
      this.#heartbeat.bind(address(file.hb_port)),
    ]);
    const listen = async (channel: Channel) => {
      for await (const frames of this.#routers[channel]) {
        let request: Message;
        try {
          request = decodeMessage(file.key, frames);
        } catch {
          continue;
        }
        receive(channel, request);
      }
    };
    void listen("shell");
    void listen("control");
    void (async () => {
      for await (const frames of this.#heartbeat) await this.#heartbeat.send(frames);
    })();
  }

  /** Tell everybody what a request brought about. */
  publish(type: string, content: Content, parent?: Message): void {
    const message = makeMessage(type, content, parent);
    const topic = [Buffer.from(`kernel.${type}`)];
    this.#send(this.#iopub, encodeMessage(this.#file.key, { ...message, identities: topic }));
  }

  /** Answer whoever asked. */
  reply(channel: Channel, type: string, content: Content, request: Message): void {
    const message = makeMessage(type, content, request);
    this.#send(this.#routers[channel], encodeMessage(this.#file.key, message));
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
        void this.#empty(socket);
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
    for (const router of Object.values(this.#routers)) router.close();
    this.#heartbeat.close();
  }
}
