import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { RequestHead } from "../records.ts";
import type { Answer } from "../routes.ts";

/** RFC 6455 §1.3. */
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const text = 0x81;
const close = 0x88;

/** A server's frame (RFC 6455 §5.2): whole, and without a mask. */
export function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10, first);
  head.writeUInt8(length < 65_536 ? 126 : 127, 1);
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** All who listen on a websocket. What they say is not heard, but for their goodbye. */
export class Audience {
  readonly #sockets = new Set<Duplex>();

  get size(): number {
    return this.#sockets.size;
  }

  /** The answer that opens a websocket, or nothing for a request that did not ask for one. */
  admit({ headers }: RequestHead): Answer | undefined {
    const key = headers["sec-websocket-key"];
    if (key === undefined || headers["upgrade"]?.toLowerCase() !== "websocket") return undefined;
    const accept = createHash("sha1").update(`${key}${magic}`).digest("base64");
    const switching = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": accept };
    return { reply: { status: 101, headers: switching }, takeOver: (socket) => this.#add(socket) };
  }

  say(message: string): void {
    for (const socket of this.#sockets) socket.write(frame(text, Buffer.from(message)));
  }

  /** Ends every websocket without a goodbye. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #add(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // RFC 6455 §5.5.1: a close is answered with a close. Its opcode is the first byte of what a listener sends at all.
    socket.on("data", (data: Buffer) => data[0] === close && socket.end(frame(close, Buffer.alloc(0))));
  }
}
