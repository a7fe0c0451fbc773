import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** A header of the protocol; the client's are passed back as they came. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

export type Content = Readonly<Record<string, unknown>>;

/** A message, in or out. */
export interface Message {
  /** To whom a router sends it: the frames before the delimiter; on iopub one, the topic. */
  readonly identities: readonly Buffer[];
  readonly header: Header;
  readonly parent: Header | Record<string, never>;
  readonly metadata: Content;
  readonly content: Content;
}

/** The version of Jupyter's protocol that is spoken here. */
export const PROTOCOL_VERSION = "5.4";

const DELIMITER = Buffer.from("<IDS|MSG>");
const SESSION = randomUUID();

function sign(key: string, frames: readonly (Buffer | string)[]): string {
  if (key === "") return ""; // as the protocol says: no key, no signatures
  const hash = createHmac("sha256", key);
  for (const frame of frames) hash.update(frame);
  return hash.digest("hex");
}

/**
 * Read a message's frames.
 *
 * @throws Error when they are not a message, or not signed with the key.
 */
export function decodeMessage(key: string, frames: readonly Buffer[]): Message {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  if (at < 0 || frames.length < at + 6) throw new Error("a message that is none of Jupyter's");
  const parts = frames.slice(at + 2);
  const signature = frames[at + 1];
  const expected = Buffer.from(sign(key, parts));
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
    throw new Error("a message with a wrong signature");
  const [header, parent, metadata, content] = parts
    .slice(0, 4)
    .map((part) => JSON.parse(part.toString()));
  return { identities: frames.slice(0, at), header, parent, metadata, content };
}

/** The frames of a message, signed. */
export function encodeMessage(key: string, message: Message): (Buffer | string)[] {
  const { header, parent, metadata, content } = message;
  const parts = [header, parent, metadata, content].map((part) => JSON.stringify(part));
  return [...message.identities, DELIMITER, sign(key, parts), ...parts];
}

/** A message of the kernel's own: what a request (its `parent`) brought about. */
export function makeMessage(type: string, content: Content, parent?: Message): Message {
  return {
    identities: parent?.identities ?? [],
    header: {
      msg_id: randomUUID(),
      msg_type: type,
      session: SESSION,
      username: "kernel",
      date: new Date().toISOString(),
      version: PROTOCOL_VERSION,
    },
    parent: parent?.header ?? {},
    metadata: {},
    content,
  };
}
