import type { BytesOut, Phase } from "../core/errors.ts";
import type { Chunks } from "../core/payload.ts";
import { type BlockReader, type BlockSource, changed } from "./block-source.ts";
import { blockSize } from "./block-table.ts";
import type { BlockMemory, Lease } from "./buffer-pool.ts";

/**
 * The smallest chunk that may live in pooled memory. A socket makes its writer wait only when a chunk reaches its
 * high-water mark (64 KiB at undici, 16 KiB at TLS); below it, "next chunk, please" does not mean "flushed".
 */
export const smallestPooledChunk = 65_536;

/** One pass over the bytes `[start, end)`, which are not empty, of a source. */
export interface Pass {
  readonly source: BlockSource;
  readonly pool: BlockMemory;
  readonly start: number;
  readonly end: number;
  readonly phase: Phase;
  /** Sees each whole block before anything of it is handed out; throws to stop. */
  inspect(index: number, block: Uint8Array, bytesOut: BytesOut): void;
  /** Called when the pass begins; what it returns is called when the pass has ended, however it ends. */
  enter(): () => void;
}

/**
 * Hands out a range through two pooled buffers of a few blocks each:
 *
 *     consumer asks     A: blocks 0–3 handed out     B: reading 4–7
 *     consumer asks     A: reading 8–11              B: 4–7 checked, handed out
 *     consumer asks     A: 8–11 checked …            B: reading 12–15
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
    while (!ring.done) yield await ring.take();
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

/** Whole blocks that were read in one go, from block `first` on. */
interface Stretch {
  readonly first: number;
  readonly bytes: Uint8Array;
}

class Ring {
  readonly #first: number;
  readonly #last: number;
  readonly #pass: Pass;
  readonly #reader: BlockReader;
  /** Holds the stretch handed out last. */
  #front: Lease;
  /** Holds the stretch read ahead; missing while the pool has nothing to spare. */
  #back: Lease | undefined;
  #ahead: Promise<Stretch> | undefined;
  /** The block that comes next. */
  #at: number;

  constructor(pass: Pass, front: Lease, reader: BlockReader) {
    this.#pass = pass;
    this.#front = front;
    this.#reader = reader;
    this.#first = Math.floor(pass.start / blockSize);
    this.#last = Math.floor((pass.end - 1) / blockSize);
    this.#at = this.#first;
  }

  get done(): boolean {
    return this.#at > this.#last;
  }

  /** The next bytes of the range, as many as a buffer holds, checked. The chunk handed out before is taken to be flushed. */
  async take(): Promise<Uint8Array> {
    const { first, bytes } = await this.#next();
    this.#at = first + Math.ceil(bytes.length / blockSize);
    if (!this.done) this.#readAhead();
    for (let index = first; index < this.#at; index++) {
      const from = (index - first) * blockSize;
      this.#pass.inspect(index, bytes.subarray(from, from + blockSize), this.#bytesOut(first));
    }
    const base = first * blockSize;
    const chunk = bytes.subarray(Math.max(this.#pass.start - base, 0), Math.min(this.#pass.end - base, bytes.length));
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

  #next(): Promise<Stretch> {
    const ahead = this.#ahead;
    if (!ahead || !this.#back) return this.#read(this.#front);
    [this.#front, this.#back] = [this.#back, this.#front];
    this.#ahead = undefined;
    return ahead;
  }

  #readAhead(): void {
    // One buffer and no read-ahead is slower but right; to wait for a second while holding one could deadlock.
    this.#back ??= this.#pass.pool.tryLease();
    if (!this.#back) return;
    this.#ahead = this.#read(this.#back);
    // Its failure is told when the bytes are asked for, or never.
    this.#ahead.catch(() => undefined);
  }

  async #read(lease: Lease): Promise<Stretch> {
    const { source, phase } = this.#pass;
    const first = this.#at;
    const position = first * blockSize;
    const wanted = Math.min(source.length, (this.#last + 1) * blockSize) - position;
    const bytes = lease.buffer.subarray(0, Math.min(lease.buffer.length, wanted));
    const count = await this.#reader.read(bytes, position, this.#bytesOut(first));
    if (count < bytes.length) throw changed(`it ended at byte ${position + count}`, phase, this.#bytesOut(first));
    if (bytes.length === wanted) await this.#reader.close();
    return { first, bytes };
  }

  /** How much had left when bytes from block `index` on fail. */
  #bytesOut(index: number): BytesOut {
    return index === this.#first ? "none" : "some";
  }
}
