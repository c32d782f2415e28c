import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { failed } from "../store/failure.ts";
import { readBytes } from "./artifact-bytes.ts";
import { blockSize } from "./stored-payload.ts";

/**
 * Copies an artifact's bytes to a new file, checks them, and waits until file and name are on the disk.
 * @param enter called before each chunk; throws to stop
 * @returns the SHA-256 of each block, one after the other
 */
export async function keepFile(
  path: string,
  artifact: Artifact,
  ref: ArtifactRef,
  enter: () => void,
): Promise<Uint8Array> {
  const folder = dirname(path);
  const onDisk = <T>(step: Promise<T>): Promise<T> => keptIn(folder, step);
  await onDisk(mkdir(folder, { recursive: true }));
  const digests = new BlockDigests();
  const file = await onDisk(open(path, "wx"));
  try {
    await readBytes(artifact, ref, async (chunk, position) => {
      enter();
      digests.update(chunk);
      await onDisk(writeAll(file, chunk, position));
    });
    await onDisk(file.sync());
  } finally {
    await file.close();
  }
  await onDisk(syncFolder(folder));
  return digests.finish();
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, at, chunk.byteLength - at, position + at);
    at += bytesWritten;
  }
}

// A new name lasts once its folder is on the disk too (fsync(2)).
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The disk's failures are the registry's; those of the artifact's own source stay what they are. */
async function keptIn<T>(folder: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    const what = "the artifact could not be kept; make room and the folder writable, then put it again";
    throw failed(what, { place: folder, cause, again: true });
  }
}

/** SHA-256 of each block of what comes in chunks of any size. */
class BlockDigests {
  readonly #digests: Uint8Array[] = [];
  #hash: Hash = createHash("sha256");
  #filled = 0;

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + blockSize - this.#filled);
      this.#hash.update(part);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === blockSize) this.#next();
    }
  }

  finish(): Uint8Array {
    if (this.#filled > 0) this.#next();
    return Buffer.concat(this.#digests);
  }

  #next(): void {
    this.#digests.push(this.#hash.digest());
    this.#hash = createHash("sha256");
    this.#filled = 0;
  }
}

/** Milliseconds after which a file that no row names is a leftover, and not one that is being written. */
const stale = 86_400_000;

/** Removes what a crash left behind: files that no row names, and that are a day old. */
export async function sweepFiles(
  folder: string,
  isKept: (name: string) => Promise<boolean>,
  now: number,
): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!/^[0-9a-f]{64}\.[0-9a-f]{16}$/.test(name) || (await isKept(name))) continue;
    const path = join(folder, name);
    const writtenAt = await lastWrite(path);
    if (writtenAt !== undefined && now - writtenAt >= stale) await rm(path, { force: true });
  }
}

/** Nothing where there is no such file any more: another process has removed it since its name was read. */
async function lastWrite(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // nothing was put yet
    throw error;
  }
}
