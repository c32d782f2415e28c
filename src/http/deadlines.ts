import type { Clock } from "../core/clock.ts";

/** Milliseconds between two looks at the table. Limits act at most this late, and one look more, never early. */
export const scanInterval = 50;

/** What the table holds. It keeps its own place, so that leaving costs nothing. */
export interface Watched {
  slot: number;
  /** Called at every look. It may leave the table. */
  tick(now: number): void;
}

/**
 * All limits on all exchanges in flight.
 *
 *     [ A ][ B ][ C ][ D ]      B leaves: the last one takes its place      [ A ][ D ][ C ]
 *
 * One timer for all, looked at every 50 ms: entering and leaving are an array write each. A timer or an AbortSignal
 * per exchange costs 0.3 to 17 µs and outlives it; sets per wheel slot cost 30 % CPU and 75 MB.
 */
export class DeadlineTable<Entry extends Watched> {
  readonly #clock: Clock;
  readonly #entries: Entry[] = [];
  #stop: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** A copy: what is done with them may make them leave. */
  entries(): readonly Entry[] {
    return this.#entries.slice();
  }

  add(entry: Entry): void {
    entry.slot = this.#entries.push(entry) - 1;
    this.#stop ??= this.#clock.every(scanInterval, () => this.#scan());
  }

  remove(entry: Entry): void {
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    last.slot = entry.slot;
    this.#entries[entry.slot] = last;
  }

  /** From the end, so that what takes a leaver's place has been looked at already. */
  #scan(): void {
    const now = this.#clock.now();
    for (let i = this.#entries.length - 1; i >= 0; i--) this.#entries[i]?.tick(now);
    // Only here, not when the last one leaves: one exchange after another must not start a timer each.
    if (this.#entries.length === 0) this.close();
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
