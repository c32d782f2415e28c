import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Segment } from "../../core/payload.ts";
import type { Offer } from "./offer.ts";

/** Chunks leave in pieces of this size at most, so that progress is seen; under a rate limit smaller, so that it flows. */
const usualPiece = 1_048_576;
const pacedPiece = 16_384;

export interface Pouring {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly offer: Offer;
  readonly clock: Clock;
  readonly stall: number;
  /** Told of every stretch as it is handed to the socket, and again once that has flushed it. */
  readonly onWrite: (bytes: number) => void;
  readonly onFlushed: (bytes: number) => void;
}

/**
 * Writes a body, one chunk at a time. The next chunk is asked for only once the last one has been flushed: a source may
 * hand the same memory out again (see `Chunks`), and `write` returning true says nothing about that. A reader that takes
 * nothing for `stall` milliseconds loses the connection.
 *
 * @throws `Gone`, and what the source throws
 */
export async function pour(body: Segment, pouring: Pouring): Promise<void> {
  if (body instanceof Uint8Array) return pourChunk(body, pouring);
  for await (const chunk of body) await pourChunk(chunk, pouring);
}

async function pourChunk(chunk: Uint8Array, pouring: Pouring): Promise<void> {
  const { offer, onWrite, onFlushed } = pouring;
  const piece = offer.pace === undefined ? usualPiece : pacedPiece;
  for (let from = 0; from < chunk.length; from += piece) {
    const part = chunk.subarray(from, from + piece);
    await paced(part.length, pouring);
    offer.signal.throwIfAborted();
    onWrite(part.length);
    await flushed(part, pouring);
    onFlushed(part.length);
  }
}

async function paced(bytes: number, { offer, clock }: Pouring): Promise<void> {
  const wait = offer.pace?.take(bytes, offer.signal);
  if (wait === undefined) return;
  const from = clock.now();
  await wait;
  offer.held(clock.now() - from);
}

function flushed(part: Uint8Array, { response, socket, stall }: Pouring): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Gone());
    const onClose = () => reject(new Gone());
    response.once("close", onClose);
    // It watches the kernel taking bytes, so a slow reader is no stalled one. Off while we ourselves wait.
    socket.setTimeout(stall);
    response.write(part, (error) => {
      response.off("close", onClose);
      socket.setTimeout(0);
      if (error) reject(new Gone());
      else resolve();
    });
  });
}

/** The connection is gone: nobody's fault but the reader's or the network's. */
export class Gone extends Error {}

/**
 * Ends our side of a connection and resolves once the other side is gone: true when it ended in order, so it had read
 * everything (a client that closes with bytes unread resets, RFC 9293 §3.6.1). RFC 9112 §9.6 closes in these stages.
 */
export function parted(socket: Socket, wait: number): Promise<boolean> {
  const inOrder = () => socket.readableEnded && socket.errored === null;
  return new Promise((resolve) => {
    if (socket.closed) return resolve(inOrder());
    socket.once("close", () => resolve(inOrder()));
    socket.setTimeout(wait);
    socket.end();
  });
}
