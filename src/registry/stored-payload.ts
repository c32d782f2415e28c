import { createHash, hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import { unknownArtifact } from "./artifact-bytes.ts";
import { viewArtifact } from "./artifact-view.ts";

/** Bytes of a file under one digest. The last block is what is left. */
export const blockSize = 262_144;
const digestSize = 32;

/** The file of an artifact, and the SHA-256 of each of its blocks, one after the other: of its row, so yet to be proven. */
export interface StoredBytes {
  readonly path: string;
  readonly length: number;
  readonly blocks: Uint8Array;
}

/** @throws `artifact_unreadable` when the file is gone or cannot be read */
export async function findStored(path: string, length: number, blocks: Uint8Array): Promise<StoredBytes> {
  const file = await openFile(path);
  await file.close();
  return { path, length, blocks };
}

/**
 * An artifact over a file that anybody may change: each block is checked against its digest before it leaves.
 * @param stored with a table that was proven to be that of `ref.digest`
 */
export function openStored(ref: ArtifactRef, stored: StoredBytes): Artifact {
  return viewArtifact(ref, {
    slice: (start, end) => ({ length: end - start, [Symbol.asyncIterator]: () => readBlocks(stored, start, end) }),
    async hash(algorithm, start, end) {
      if (algorithm === "sha256" && start === 0 && end === ref.length) return ref.digest;
      const digest = createHash(algorithm);
      for await (const chunk of readBlocks(stored, start, end)) digest.update(chunk);
      return digest.digest("hex");
    },
  });
}

// Each block has memory of its own, which the consumer may hold on to. The file is closed before the last block is
// handed out: whoever writes an HTTP body must be able to end it in the turn after.
async function* readBlocks(stored: StoredBytes, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  if (start === end) return;
  const file = await openFile(stored.path);
  let isOpen = true;
  try {
    for (let index = Math.floor(start / blockSize); index * blockSize < end; index += 1) {
      const from = index * blockSize;
      const block = await readBlock(file, stored, index);
      if (from + blockSize >= end) {
        isOpen = false;
        await file.close();
      }
      yield block.subarray(Math.max(start - from, 0), Math.min(end - from, block.byteLength));
    }
  } finally {
    if (isOpen) await file.close();
  }
}

/** Blocks that are read at once where they are only looked at. */
const lookedAtOnce = 4;

/**
 * Shows every block, checked and in order, and keeps none: while one stretch of them is looked at, the next is read into
 * the memory of the one before.
 */
export async function lookThrough(stored: StoredBytes, look: (block: Uint8Array) => void): Promise<void> {
  const file = await openFile(stored.path);
  const stretch = lookedAtOnce * blockSize;
  const memory = [new Uint8Array(stretch), new Uint8Array(stretch)] as const;
  const read = (at: number) =>
    readInto(file, memory[(at / stretch) & 1] as Uint8Array, at, Math.min(stretch, stored.length - at));
  try {
    let next = read(0);
    for (let at = 0; at < stored.length; at += stretch) {
      const bytes = await next;
      if (at + stretch < stored.length) next = read(at + stretch);
      // Its failure is told when it is waited for, or never.
      next.catch(() => undefined);
      for (let from = 0; from < bytes.byteLength; from += blockSize) {
        const block = bytes.subarray(from, from + blockSize);
        check(stored, (at + from) / blockSize, block);
        look(block);
      }
    }
  } finally {
    // Node waits for a read that is under way.
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") throw unknownArtifact();
    throw new FlashwaveError(
      "artifact_unreadable",
      `${JSON.stringify(path)}: the artifact's file could not be opened`,
      {
        phase: "artifact",
        cause,
      },
    );
  }
}

async function readBlock(file: FileHandle, stored: StoredBytes, index: number): Promise<Uint8Array> {
  const from = index * blockSize;
  const length = Math.min(blockSize, stored.length - from);
  const block = await readInto(file, new Uint8Array(length), from, length);
  check(stored, index, block);
  return block;
}

/** @throws `artifact_changed` where the file ends before */
async function readInto(file: FileHandle, memory: Uint8Array, from: number, length: number): Promise<Uint8Array> {
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(memory, filled, length - filled, from + filled);
    if (bytesRead === 0) throw changed();
    filled += bytesRead;
  }
  return memory.subarray(0, length);
}

function check({ blocks }: StoredBytes, index: number, block: Uint8Array): void {
  const expected = blocks.subarray(index * digestSize, (index + 1) * digestSize);
  if (!hash("sha256", block, "buffer").equals(expected)) throw changed();
}

function changed(): FlashwaveError<"artifact_changed"> {
  return new FlashwaveError(
    "artifact_changed",
    "the artifact's file is not what was kept; remove the artifact and put it again",
    { phase: "artifact" },
  );
}
