import { setImmediate } from "node:timers/promises";
import { type Pass, ringPass } from "./block-ring.ts";
import { type BlockSource, memorySource } from "./block-source.ts";
import { createBlockTable } from "./block-table.ts";
import { blocksPerTurn, digestOf } from "./digest.ts";
import type { OpenSettings } from "./open-options.ts";
import { blocksOf, loadBlocks } from "./resident.ts";
import { type Stored, storedBehindTable, storedInMemory } from "./stored.ts";

/** Stored bytes with what they occupy. */
export interface Holding {
  readonly stored: Stored;
  /** Gives memory back to the budget. Once. */
  readonly release: () => void;
  /** Deletes the temporary file. Twice does no harm. */
  readonly remove: () => Promise<void>;
}

const nothing = (): void => undefined;
const nothingLater = async (): Promise<void> => undefined;

/**
 * Bytes in the caller's memory: shared where they are frozen, which charges no budget; copied before this function
 * returns where cache and budget allow it; else read block by block, each checked.
 */
export function holdBytes(bytes: Uint8Array, settings: OpenSettings): Promise<Holding> {
  const { budget, cacheBytes, frozen } = settings;
  if (frozen) return holdShared(bytes, nothing);
  const { length } = bytes;
  if (length > cacheBytes || !budget.reserve(length)) return holdBehindTable(memorySource(bytes), settings);
  const copy = Buffer.allocUnsafeSlow(length);
  copy.set(bytes);
  return holdShared(copy, () => budget.release(length));
}

async function holdShared(bytes: Uint8Array, release: () => void): Promise<Holding> {
  const blocks = blocksOf(bytes);
  const stored = storedInMemory(blocks, bytes.length, await digestOf("sha256", blocks));
  return { stored, release, remove: nothingLater };
}

/** Loads a source where cache and budget allow it, else reads it once for its block table. */
export async function holdSource(source: BlockSource, settings: OpenSettings): Promise<Holding> {
  const { length } = source;
  const { budget, cacheBytes } = settings;
  if (length > cacheBytes || !budget.reserve(length)) return holdBehindTable(source, settings);
  const release = () => budget.release(length);
  try {
    const blocks = await loadBlocks(source, settings.signal);
    await confirm(source);
    const stored = storedInMemory(blocks, length, await digestOf("sha256", blocks));
    return { stored, release, remove: nothingLater };
  } catch (error) {
    release();
    throw error;
  }
}

async function holdBehindTable(source: BlockSource, settings: OpenSettings): Promise<Holding> {
  const { pool, signal } = settings;
  const table = createBlockTable(source.length);
  const pass: Pass = {
    source,
    pool,
    start: 0,
    end: source.length,
    phase: "artifact",
    enter: () => nothing,
    inspect(_index, block) {
      signal?.throwIfAborted();
      table.add(block);
    },
  };
  let blocks = 0;
  for await (const _ of ringPass(pass, signal)) {
    // Memory is read without waiting: other work needs a turn.
    if (++blocks % blocksPerTurn === 0) await setImmediate();
  }
  await confirm(source);
  return { stored: storedBehindTable(source, table.finish(), pool), release: nothing, remove: nothingLater };
}

/** To open a source is to compare it with what it was: bytes that changed while they were read must not become truth. */
async function confirm(source: BlockSource): Promise<void> {
  await (await source.open("artifact")).close();
}
