import { FlashwaveError } from "../core/errors.ts";
import { blockSize } from "./block-table.ts";

/** Borrowed pool memory. Whoever holds the lease owns the bytes until `release()`; calling that twice does no harm. */
export interface Lease {
  readonly buffer: Buffer;
  release(): void;
}

export interface BufferPoolStatistics {
  /** Bytes per buffer. */
  readonly size: number;
  /** Buffers the pool may hold in all. */
  readonly capacity: number;
  /** Buffers made so far; they are kept. */
  readonly allocated: number;
  readonly leased: number;
  /** Callers that wait for a buffer. */
  readonly waiting: number;
  /** Leases served from memory that was there. */
  readonly hits: number;
  /** Leases that had to allocate. */
  readonly misses: number;
  /** The most buffers that were ever leased at once. */
  readonly peak: number;
}

/** Lends memory for whole blocks: each buffer holds one or more of them. */
export interface BlockMemory {
  /** A buffer at once where one is free or may still be made, else a promise: first come, first served. Rejects with `signal.reason`. */
  lease(signal?: AbortSignal): Lease | Promise<Lease>;
  /** A buffer only if nobody has to wait for it. Whoever holds a lease already must ask this way: waiting would deadlock. */
  tryLease(): Lease | undefined;
}

export interface BufferPool extends BlockMemory {
  readonly size: number;
  statistics(): BufferPoolStatistics;
}

export interface BufferPoolOptions {
  /** Bytes per buffer: whole blocks of 256 KiB. @default 262144 */
  readonly size?: number;
  /** How many buffers may exist. @default 256, that is 64 MiB */
  readonly capacity?: number;
  /** For tests: overwrites a buffer as soon as it is released, so that a use after release shows. @default false */
  readonly poison?: boolean;
}

interface Waiter {
  grant(buffer: Buffer): void;
}

/**
 * A bounded pool of equal buffers. Memory is made on demand, kept, and handed out last in, first out (a warm buffer
 * first). It bounds what file bodies in motion can take, whatever their number.
 * @throws `invalid_option`
 */
export function createBufferPool(options: BufferPoolOptions = {}): BufferPool {
  const { size = blockSize, capacity = 256, poison = false } = options;
  if (!Number.isSafeInteger(size) || size < blockSize || size % blockSize !== 0)
    throw invalid(`size must be a multiple of ${blockSize} bytes`);
  if (!Number.isSafeInteger(capacity) || capacity < 1) throw invalid("capacity must be a whole number of 1 or more");
  return new Pool(size, capacity, poison);
}

class Pool implements BufferPool {
  readonly size: number;
  readonly #capacity: number;
  readonly #poison: boolean;
  readonly #free: Buffer[] = [];
  readonly #waiters = new Set<Waiter>();
  #allocated = 0;
  #leased = 0;
  #hits = 0;
  #misses = 0;
  #peak = 0;

  constructor(size: number, capacity: number, poison: boolean) {
    this.size = size;
    this.#capacity = capacity;
    this.#poison = poison;
  }

  lease(signal?: AbortSignal): Lease | Promise<Lease> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return this.tryLease() ?? this.#wait(signal);
  }

  tryLease(): Lease | undefined {
    const buffer = this.#free.pop();
    if (buffer) {
      this.#hits++;
      return this.#lend(buffer);
    }
    if (this.#allocated === this.#capacity) return undefined;
    // Slow: its own allocation, so that no lease shares an ArrayBuffer with anything else.
    const made = Buffer.allocUnsafeSlow(this.size);
    this.#allocated++;
    this.#misses++;
    return this.#lend(made);
  }

  statistics(): BufferPoolStatistics {
    return {
      size: this.size,
      capacity: this.#capacity,
      allocated: this.#allocated,
      leased: this.#leased,
      waiting: this.#waiters.size,
      hits: this.#hits,
      misses: this.#misses,
      peak: this.#peak,
    };
  }

  #lend(buffer: Buffer): Lease {
    this.#leased++;
    if (this.#leased > this.#peak) this.#peak = this.#leased;
    let held = true;
    return {
      buffer,
      release: () => {
        if (!held) return;
        held = false;
        this.#takeBack(buffer);
      },
    };
  }

  /** Memory goes straight to the longest waiter, so that nobody who comes later can overtake. */
  #takeBack(buffer: Buffer): void {
    this.#leased--;
    if (this.#poison) buffer.fill(0xdb);
    const [next] = this.#waiters;
    if (!next) {
      this.#free.push(buffer);
      return;
    }
    this.#waiters.delete(next);
    this.#hits++;
    next.grant(buffer);
  }

  #wait(signal: AbortSignal | undefined): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        grant: (buffer) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(this.#lend(buffer));
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** Buffers of 1 MiB cut a file's reads and writes by four; `read-size` in BASELINE.md says what that gains. */
const wide: BufferPool = createBufferPool({ size: 4 * blockSize, capacity: 32 });
const narrow: BufferPool = createBufferPool({ size: blockSize, capacity: 128 });

/**
 * The memory of this process, at most 64 MiB, made when first needed: wide buffers for the first who come, narrow ones
 * for the crowd, so that a few dozen slow devices cannot keep all the others waiting.
 */
export const sharedMemory: BlockMemory = Object.freeze<BlockMemory>({
  lease: (signal) => (signal?.aborted ? undefined : wide.tryLease()) ?? narrow.lease(signal),
  tryLease: () => wide.tryLease() ?? narrow.tryLease(),
});

function invalid(what: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `Buffer pool: ${what}.`, { phase: "prepare" });
}
