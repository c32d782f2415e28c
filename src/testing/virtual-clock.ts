import type { Clock } from "../core/clock.ts";

interface Sleeper {
  readonly due: number;
  /** A tick alone does not make time pass: somebody must be asleep. */
  readonly tick: boolean;
  readonly wake: () => void;
}

/**
 * Time that stands still until it is told to pass. With `auto`, it passes by itself: whenever the microtasks of one
 * turn of the loop are done and somebody sleeps, it jumps to the next moment somebody waits for.
 */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass, waking sleepers in the order of their times. */
  advance(ms: number): Promise<void>;
  /** How many sleep or tick now. */
  readonly sleeping: number;
}

export interface VirtualClockOptions {
  /** Epoch milliseconds at the start. Default 2026-01-01. */
  readonly startAt?: number;
  /** Default false. */
  readonly auto?: boolean;
}

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new ManualClock(options.startAt ?? 1_767_225_600_000, options.auto ?? false);
}

class ManualClock implements VirtualClock {
  readonly #startAt: number;
  readonly #auto: boolean;
  readonly #sleepers: Set<Sleeper> = new Set();
  #now = 0;
  #jumping = false;

  constructor(startAt: number, auto: boolean) {
    this.#startAt = startAt;
    this.#auto = auto;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#startAt + this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        due: this.#now + ms,
        tick: false,
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.add(sleeper);
      this.#pass();
    });
  }

  every(ms: number, tick: () => void): () => void {
    let current: Sleeper;
    const arm = () => {
      current = {
        due: this.#now + ms,
        tick: true,
        wake: () => {
          arm();
          tick();
        },
      };
      this.#sleepers.add(current);
    };
    arm();
    return () => this.#sleepers.delete(current);
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.due > end) break;
      this.#wake(next);
      await turn();
    }
    this.#now = end;
    await turn();
  }

  /** Jumps from moment to moment for as long as somebody sleeps. */
  #pass(): void {
    if (!this.#auto || this.#jumping) return;
    this.#jumping = true;
    turn().then(() => {
      this.#jumping = false;
      const next = this.#next();
      if (next === undefined) return;
      this.#wake(next);
      for (const sleeper of this.#sleepers) if (!sleeper.tick) return this.#pass();
    });
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
    this.#now = Math.max(this.#now, sleeper.due);
    sleeper.wake();
  }

  #next(): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (next === undefined || sleeper.due < next.due) next = sleeper;
    return next;
  }
}

/** After everything that is ready now, I/O included. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
