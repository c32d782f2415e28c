import { type BigIntStats, close, fstat, open, read, write } from "node:fs";
import { promisify } from "node:util";

// Plain descriptors, not FileHandles: a FileHandle that the garbage collector finds open ends the process (Node 26),
// and whoever iterates a body may forget to end the iteration.

export const openDescriptor: (path: string, flags: number | string, mode?: number) => Promise<number> = promisify(open);

export const closeDescriptor: (descriptor: number) => Promise<void> = promisify(close);

export const statDescriptor: (descriptor: number, options: { bigint: true }) => Promise<BigIntStats> = promisify(fstat);

/** Fills `target` from `position` on; fewer bytes than asked for means the file ends there. */
export async function readDescriptor(descriptor: number, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const count = await readSome(descriptor, target, filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Writes all of `bytes` at the descriptor's own position. */
export async function writeDescriptor(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += await writeSome(descriptor, bytes, written);
}

// By hand: promisify makes an object of each answer, and a ring reads 4,000 blocks per GiB.
function readSome(descriptor: number, target: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, target, offset, target.length - offset, position, (cause, count) =>
      cause ? reject(cause) : resolve(count),
    );
  });
}

function writeSome(descriptor: number, bytes: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, offset, bytes.length - offset, null, (cause, count) =>
      cause ? reject(cause) : resolve(count),
    );
  });
}
