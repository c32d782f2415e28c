import { type BigIntStats, constants } from "node:fs";
import { realpath } from "node:fs/promises";
import type { BytesOut, Phase } from "../core/errors.ts";
import { FlashwaveError, isFlashwaveError } from "../core/errors.ts";
import { type BlockReader, type BlockSource, changed } from "./block-source.ts";
import { closeDescriptor, openDescriptor, readDescriptor, statDescriptor } from "./descriptor.ts";

// Neither follows a link that was put in the file's place nor waits for the writer of a FIFO that was.
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * A regular file, named once and for all: links are resolved now, and every pass opens the file anew and compares it
 * with what it was (device, inode, size, time of the last write).
 * @throws `artifact_unreadable` when it is missing, unreadable or not a regular file
 */
export async function fileSource(path: string): Promise<BlockSource> {
  const fail = (cause: unknown): never => {
    throw unreadable(path, "artifact", cause);
  };
  const file = await realpath(path).catch(fail);
  const descriptor = await openDescriptor(file, flags).catch(fail);
  const seen = await statDescriptor(descriptor, { bigint: true })
    .finally(() => closeDescriptor(descriptor))
    .catch(fail);
  if (!seen.isFile()) throw notAFile(path, seen);
  return { length: Number(seen.size), open: (phase) => reopen(file, seen, phase) };
}

async function reopen(file: string, seen: BigIntStats, phase: Phase): Promise<BlockReader> {
  const descriptor = await openDescriptor(file, flags).catch((cause: unknown) => {
    const fate = fates[codeOf(cause)];
    throw fate === undefined ? unreadable(file, phase, cause) : changed(`${quote(file)} ${fate}`, phase, "none", cause);
  });
  try {
    const difference = compare(seen, await statDescriptor(descriptor, { bigint: true }));
    if (difference) throw changed(`${quote(file)} ${difference}`, phase);
  } catch (cause) {
    await closeDescriptor(descriptor);
    throw isFlashwaveError(cause) ? cause : unreadable(file, phase, cause);
  }
  return readerOf(descriptor, file, phase);
}

function readerOf(descriptor: number, file: string, phase: Phase): BlockReader {
  let open = true;
  return {
    async read(target, position, bytesOut) {
      try {
        return await readDescriptor(descriptor, target, position);
      } catch (cause) {
        throw unreadable(file, phase, cause, bytesOut);
      }
    },
    async close() {
      // A descriptor's number is given out again at once: to close it twice would close somebody else's file.
      if (!open) return;
      open = false;
      await closeDescriptor(descriptor);
    },
  };
}

/** What an error of `open` says about a file that was there before. */
const fates: Readonly<Record<string, string | undefined>> = {
  ENOENT: "is gone",
  ENOTDIR: "is gone",
  ELOOP: "was replaced by a symbolic link",
  ENXIO: "was replaced by a socket or a device",
};

function compare(seen: BigIntStats, now: BigIntStats): string | undefined {
  if (!now.isFile()) return `was replaced by ${kindOf(now)}`;
  if (now.ino !== seen.ino || now.dev !== seen.dev) return "was replaced by another file";
  if (now.size !== seen.size) return `has ${now.size} bytes and had ${seen.size}`;
  if (now.mtimeNs !== seen.mtimeNs) return "was written to";
  return undefined;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  return stats.isFIFO() ? "a FIFO" : "a device";
}

function notAFile(path: string, stats: BigIntStats): FlashwaveError {
  const advice = stats.isDirectory() ? "Name a file in it" : "Pass it as a stream";
  return new FlashwaveError("artifact_unreadable", `${quote(path)} is ${kindOf(stats)}, not a file. ${advice}.`, {
    phase: "artifact",
  });
}

export function unreadable(path: string, phase: Phase, cause: unknown, bytesOut: BytesOut = "none"): FlashwaveError {
  const code = codeOf(cause);
  const message = `${quote(path)} could not be read (${code}): check that it exists and may be read.`;
  // Too many open files: it passes.
  return new FlashwaveError("artifact_unreadable", message, {
    phase,
    bytesOut,
    retryable: code === "EMFILE" || code === "ENFILE",
    cause,
  });
}

function codeOf(cause: unknown): string {
  return (cause as { code?: string } | null)?.code ?? "unknown error";
}

/** Paths may hold anything, also what steers a terminal. */
function quote(path: string): string {
  return JSON.stringify(path);
}
