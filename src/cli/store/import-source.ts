import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";

/** A file, or standard input, and how much of it was read. */
export interface ImportSource extends AsyncIterable<Uint8Array> {
  /** Bytes. */
  readonly read: number;
  /** Bytes in all. Absent: nobody knows, as of a pipe. */
  readonly size?: number;
}

/**
 * Opened before the store, so that a missing file makes no fleet.
 * @param signal ends it, also while it waits for a pipe into which nobody writes
 */
export async function openSource(path: string, signal: AbortSignal): Promise<ImportSource> {
  if (path === "-") return sourceOf(path, addAbortSignal(signal, process.stdin));
  const stream = createReadStream(path);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", reject);
    });
    const found = await stat(path);
    return sourceOf(path, addAbortSignal(signal, stream), found.isFile() ? found.size : undefined);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function sourceOf(path: string, stream: Readable, size?: number): ImportSource {
  let read = 0;
  return {
    ...(size !== undefined && { size }),
    get read() {
      return read;
    },
    async *[Symbol.asyncIterator]() {
      try {
        for await (const piece of stream as AsyncIterable<Uint8Array>) {
          read += piece.length;
          yield piece;
        }
      } catch (error) {
        throw unreadable(path, error);
      }
    },
  };
}

function unreadable(path: string, error: unknown): UsageError {
  const { code = "unreadable" } = error as NodeJS.ErrnoException;
  return new UsageError(`${JSON.stringify(printable(path))} could not be read (${code}).`);
}
