import type { Socket } from "node:net";
import type { BytesOut } from "../core/errors.ts";

/**
 * How much of a request's body has left.
 *
 * undici tells nobody when a body is flushed: it asks for the next chunk as soon as `write` returns, and resolves with
 * an answer that came early as with any other. The rule, measured on undici 8.12: the body has left when as many
 * bytes were queued as it is long *and* nothing of them waits in the socket (`writableLength` 0). Both are needed,
 * and the second must be read before the socket is destroyed, because destroying empties it too. The kernel's buffers
 * still hide a few megabytes (about 4 on loopback), so this proves that the bytes left us, never that they arrived.
 */
export class SentMeter {
  readonly total: number;
  /** Body bytes handed to the socket. */
  queued = 0;
  /** Whether any byte of the request, its head included, may have left. */
  #touched = false;
  /** The rule above was seen to hold. Never taken back. */
  #left = false;
  /** What waited in the socket at the last look. */
  #waiting = 0;

  constructor(total: number) {
    this.total = total;
  }

  /**
   * To be called right after each write. undici sends the head together with the first of the body. A write that the
   * kernel refuses outright (a kept connection that is dead) leaves its error on the socket at once, and nothing left.
   */
  wrote(bytes: number, socket: Socket | undefined): void {
    this.queued += bytes;
    if (socket?.errored == null) this.#touched = true;
  }

  get allQueued(): boolean {
    return this.#touched && this.queued === this.total;
  }

  /** Looks whether the body has left; no body always has. Call it before anything that destroys the socket. */
  observe(socket: Socket | undefined): boolean {
    if (!this.#left && this.allQueued) {
      this.#left = this.total === 0 || (socket?.destroyed === false && socket.writableLength === 0);
    }
    return this.#left;
  }

  /** Body bytes that the kernel has taken. A chunk leaves in pieces, and over TLS only a whole one can be told. */
  taken(socket: Socket | undefined): number {
    return Math.max(0, this.queued - (isEncrypted(socket) ? (socket?.writableLength ?? 0) : waitingIn(socket)));
  }

  /** Whether the kernel took anything since the last look. */
  moved(socket: Socket | undefined): boolean {
    const waiting = waitingIn(socket);
    const moved = waiting !== this.#waiting;
    this.#waiting = waiting;
    return moved;
  }

  get bytesOut(): BytesOut {
    if (!this.#touched) return "none";
    return this.#left ? "all" : "some";
  }
}

/**
 * Bytes that wait in the socket's handle. `writableLength` counts a chunk until all of it has left; this is what Node's
 * own socket timeout looks at, in Node 26 as in all before. Where it is missing a chunk counts as a whole.
 */
function waitingIn(socket: Socket | undefined): number {
  const handle = (socket as { _handle?: { writeQueueSize?: unknown } | null } | undefined)?._handle;
  const size = handle?.writeQueueSize;
  return typeof size === "number" ? size : (socket?.writableLength ?? 0);
}

function isEncrypted(socket: Socket | undefined): boolean {
  return socket !== undefined && "encrypted" in socket;
}
