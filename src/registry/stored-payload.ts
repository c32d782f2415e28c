import { createHash, hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import { unknownArtifact } from "./artifact-bytes.ts";
import { viewArtifact } from "./artifact-view.ts";

/** Bytes of a file under one digest. The last block is what is left. */
export const blockSize = 262_144;
const digestSize = 32;

/** The file of an artifact, and the SHA-256 of each of its blocks, one after the other. */
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

/** An artifact over a file that anybody may change: each block is checked against its digest before it leaves. */
export function openStored(ref: ArtifactRef, stored: StoredBytes): Artifact {
  return viewArtifact(ref, {
    slice: (start, end) => ({ length: end - start, [Symbol.asyncIterator]: () => readBlocks(stored, start, end) }),
    async hash(algorithm, start, end) {
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

async function readBlock(file: FileHandle, { length, blocks }: StoredBytes, index: number): Promise<Uint8Array> {
  const from = index * blockSize;
  const block = new Uint8Array(Math.min(blockSize, length - from));
  let filled = 0;
  while (filled < block.byteLength) {
    const { bytesRead } = await file.read(block, filled, block.byteLength - filled, from + filled);
    if (bytesRead === 0) throw changed();
    filled += bytesRead;
  }
  const expected = blocks.subarray(index * digestSize, (index + 1) * digestSize);
  if (!hash("sha256", block, "buffer").equals(expected)) throw changed();
  return block;
}

function changed(): FlashwaveError<"artifact_changed"> {
  return new FlashwaveError(
    "artifact_changed",
    "the artifact's file is not what was kept; remove the artifact and put it again",
    { phase: "artifact" },
  );
}
