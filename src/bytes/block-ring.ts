import type { BytesOut, Phase } from "../core/errors.ts";
import type { Chunks } from "../core/payload.ts";
import { type BlockReader, type BlockSource, changed } from "./block-source.ts";
import { blockSize } from "./block-table.ts";
import type { BufferPool, Lease } from "./buffer-pool.ts";

/**
 * The smallest chunk that may live in pooled memory. A socket makes its writer wait only when a chunk reaches its
 * high-water mark (64 KiB at undici, 16 KiB at TLS); below it, "next chunk, please" does not mean "flushed".
 */
export const smallestPooledChunk = 65_536;

/** One pass over the bytes `[start, end)`, which are not empty, of a source. */
export interface Pass {
  readonly source: BlockSource;
  readonly pool: BufferPool;
  readonly start: number;
  readonly end: number;
  readonly phase: Phase;
  /** Sees each whole block before anything of it is handed out; throws to stop. */
  inspect(index: number, block: Uint8Array, bytesOut: BytesOut): void;
  /** Called when the pass begins; what it returns is called when the pass has ended, however it ends. */
  enter(): () => void;
}

/**
 * Hands out a range block by block through two pooled buffers:
 *
 *     consumer asks     A: block 0 handed out      B: reading block 1
 *     consumer asks     A: reading block 2         B: block 1 checked, handed out
 *     consumer asks     A: block 2 checked …       B: reading block 3
 *
 * To ask for the next chunk is to say that the last one has been flushed, so its buffer is free. Reading and checking
 * overlap. Nothing is opened or leased before the first chunk is asked for, and the file is closed before the last
 * chunk is handed out: whoever writes an HTTP body must be able to end it in the turn after.
 */
export function ringChunks(pass: Pass): Chunks {
  return { length: pass.end - pass.start, [Symbol.asyncIterator]: () => iterate(pass) };
}

function iterate(pass: Pass): AsyncIterator<Uint8Array, void> {
  const waiting = new AbortController();
  const chunks = ringPass(pass, waiting.signal);
  return {
    next: () => chunks.next(),
    // A generator would queue this behind a wait for pool memory.
    return() {
      waiting.abort();
      return chunks.return();
    },
  };
}

/** @param signal ends a wait for pool memory */
export async function* ringPass(pass: Pass, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const leave = pass.enter();
  let ring: Ring | undefined;
  try {
    ring = await openRing(pass, signal);
    for (let index = ring.first; index <= ring.last; index++) yield await ring.take(index);
  } finally {
    await ring?.close();
    leave();
  }
}

async function openRing(pass: Pass, signal: AbortSignal | undefined): Promise<Ring> {
  // Memory first: a pass that waits for it holds no file open.
  const lease = await pass.pool.lease(signal);
  try {
    return new Ring(pass, lease, await pass.source.open(pass.phase));
  } catch (error) {
    lease.release();
    throw error;
  }
}

class Ring {
  readonly first: number;
  readonly last: number;
  readonly #pass: Pass;
  readonly #reader: BlockReader;
  /** Holds the block handed out last. */
  #front: Lease;
  /** Holds the block read ahead; missing while the pool has nothing to spare. */
  #back: Lease | undefined;
  #ahead: Promise<Uint8Array> | undefined;

  constructor(pass: Pass, front: Lease, reader: BlockReader) {
    this.#pass = pass;
    this.#front = front;
    this.#reader = reader;
    this.first = Math.floor(pass.start / blockSize);
    this.last = Math.floor((pass.end - 1) / blockSize);
  }

  /** The part of block `index` that lies in the range, checked. The chunk handed out before is taken to be flushed. */
  async take(index: number): Promise<Uint8Array> {
    const block = await this.#next(index);
    if (index < this.last) this.#readAhead(index + 1);
    this.#pass.inspect(index, block, this.#bytesOut(index));
    const base = index * blockSize;
    const chunk = block.subarray(Math.max(this.#pass.start - base, 0), Math.min(this.#pass.end - base, block.length));
    return chunk.length < smallestPooledChunk ? Buffer.from(chunk) : chunk;
  }

  /** Waits for the read in flight: its buffer is not free before. */
  async close(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    try {
      await this.#reader.close();
    } finally {
      this.#front.release();
      this.#back?.release();
    }
  }

  #next(index: number): Promise<Uint8Array> {
    const ahead = this.#ahead;
    if (!ahead || !this.#back) return this.#read(index, this.#front);
    [this.#front, this.#back] = [this.#back, this.#front];
    this.#ahead = undefined;
    return ahead;
  }

  #readAhead(index: number): void {
    // One buffer and no read-ahead is slower but right; to wait for a second while holding one could deadlock.
    this.#back ??= this.#pass.pool.tryLease();
    if (!this.#back) return;
    this.#ahead = this.#read(index, this.#back);
    // Its failure is told when the block is asked for, or never.
    this.#ahead.catch(() => undefined);
  }

  async #read(index: number, lease: Lease): Promise<Uint8Array> {
    const { source, phase } = this.#pass;
    const position = index * blockSize;
    const block = lease.buffer.subarray(0, Math.min(blockSize, source.length - position));
    const count = await this.#reader.read(block, position, this.#bytesOut(index));
    if (count < block.length) throw changed(`it ended at byte ${position + count}`, phase, this.#bytesOut(index));
    if (index === this.last) await this.#reader.close();
    return block;
  }

  /** How much had left when block `index` fails. */
  #bytesOut(index: number): BytesOut {
    return index === this.first ? "none" : "some";
  }
}
