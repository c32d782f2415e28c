import { addAbortSignal, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { FlashwaveError } from "../core/errors.ts";

/** Bytes that can be read once. A stream must yield `Uint8Array`s: text has lost its bytes already. */
export type ByteStream = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

export function isByteStream(value: unknown): value is ByteStream {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/**
 * The chunks of a stream from its very start. An abort or an early end of the iteration destroys the stream.
 * @throws `artifact_unreadable` when it has been read from before, fails, or yields something else than bytes
 */
export async function* streamChunks(
  stream: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  const readable = untouched(stream);
  if (signal) addAbortSignal(signal, readable);
  try {
    for await (const chunk of readable) {
      if (!(chunk instanceof Uint8Array)) throw unreadable("The stream yielded something else than bytes");
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof FlashwaveError) throw cause;
    throw unreadable("The stream failed before its end", cause);
  }
}

/** One kind of stream for all: Node's own can be destroyed while a read is pending. */
function untouched(stream: ByteStream): Readable {
  const web = stream instanceof ReadableStream;
  if (web || stream instanceof Readable) {
    const taken = web ? stream.locked : stream.destroyed;
    if (taken || Readable.isDisturbed(stream)) throw unreadable("The stream has been read from or closed");
  }
  if (stream instanceof Readable) return stream;
  return web ? Readable.fromWeb(stream) : Readable.from(stream, { objectMode: true });
}

function unreadable(what: string, cause?: unknown): FlashwaveError {
  return new FlashwaveError("artifact_unreadable", `${what}: pass a fresh stream of bytes.`, {
    phase: "artifact",
    cause,
  });
}
