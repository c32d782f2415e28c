import type { Phase } from "../core/errors.ts";
import type { Segment } from "../core/payload.ts";
import { type BlockSource, changed } from "./block-source.ts";
import { blockSize } from "./block-table.ts";
import type { Lifetime } from "./lifetime.ts";

/** Below this a body is one plain `Uint8Array`: cheaper to send than an iteration. */
const smallestIterated = 65_536;

/** Chunks span two blocks where these lie side by side in memory: half as many writes for the same bytes. */
const longestChunk = 2 * blockSize;

/** Bytes in memory that nobody writes to any more, as blocks; only the last may be short. */
export type Blocks = readonly Uint8Array[];

/** Shares `bytes` as blocks; nothing is copied. */
export function blocksOf(bytes: Uint8Array): Blocks {
  const count = Math.ceil(bytes.length / blockSize);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * blockSize, (index + 1) * blockSize));
}

/** Reads a whole source into private memory. @throws `artifact_changed` when it ends early */
export async function loadBlocks(source: BlockSource, signal: AbortSignal | undefined): Promise<Blocks> {
  const blocks = blocksOf(Buffer.allocUnsafeSlow(source.length));
  const reader = await source.open("artifact");
  try {
    for (const [index, block] of blocks.entries()) {
      signal?.throwIfAborted();
      const count = await reader.read(block, index * blockSize, "none");
      if (count < block.length) throw changed(`it ended at byte ${index * blockSize + count}`, "artifact");
    }
  } finally {
    await reader.close();
  }
  return blocks;
}

/**
 * Bytes `[start, end)` of resident blocks. Chunks are views of shared memory that never changes: they need no check and
 * no waiting, and any number of devices may be sent the same ones.
 */
export function residentSlice(blocks: Blocks, start: number, end: number, lifetime: Lifetime, phase: Phase): Segment {
  if (end - start < smallestIterated) return joined(blocks, start, end);
  return { length: end - start, [Symbol.asyncIterator]: () => residentPass(blocks, start, end, lifetime, phase) };
}

async function* residentPass(
  blocks: Blocks,
  start: number,
  end: number,
  lifetime: Lifetime,
  phase: Phase,
): AsyncGenerator<Uint8Array, void> {
  const leave = lifetime.enter(phase);
  try {
    for (let from = start; from < end; ) {
      lifetime.check(phase, from === start ? "none" : "some");
      const chunk = stretch(blocks, from, Math.min(end, from + longestChunk));
      yield chunk;
      from += chunk.length;
    }
  } finally {
    leave();
  }
}

function nextBoundary(position: number): number {
  return (Math.floor(position / blockSize) + 1) * blockSize;
}

/** Bytes from `from` on, as far as one piece of memory goes, and at most to `to`. */
function stretch(blocks: Blocks, from: number, to: number): Uint8Array {
  const first = part(blocks, from, Math.min(to, nextBoundary(from)));
  const next = blocks[Math.floor(from / blockSize) + 1];
  const adjoins = next?.buffer === first.buffer && next.byteOffset === first.byteOffset + first.length;
  if (!adjoins) return first;
  const length = Math.min(to - from, first.length + next.length);
  return new Uint8Array(first.buffer, first.byteOffset, length);
}

/** Bytes within one block: the block itself where it is wanted whole. */
function part(blocks: Blocks, from: number, to: number): Uint8Array {
  const block = blocks[Math.floor(from / blockSize)] ?? new Uint8Array();
  const base = from - (from % blockSize);
  return to - from === block.length ? block : block.subarray(from - base, to - base);
}

function joined(blocks: Blocks, start: number, end: number): Uint8Array {
  const boundary = nextBoundary(start);
  if (end <= boundary) return part(blocks, start, end);
  return Buffer.concat([part(blocks, start, boundary), part(blocks, boundary, end)]);
}
