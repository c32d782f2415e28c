import type { Clock } from "../core/clock.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { Pace } from "../core/transport.ts";

export interface PaceOptions {
  /** Mean bytes per second; `Infinity` means no limit. */
  readonly bytesPerSecond: number;
  /** Bytes that may leave at once after a rest. @default a tenth of a second's worth */
  readonly burst?: number;
  readonly clock: Clock;
}

interface Waiter {
  readonly bytes: number;
  grant(): void;
}

/** Longer timers than this overflow where the clock is Node's own; the loop simply looks again. */
const longestSleep = 3_600_000;

/**
 * A token bucket. `take` is served first come, first served. More bytes than the burst are granted once the bucket is
 * full and leave it in debt, so the mean holds for chunks of any size. An abort rejects with `signal.reason` and costs
 * nothing. Returns nothing where there is nothing to limit.
 * @throws `invalid_option`
 */
export function createPace(options: PaceOptions): Pace | undefined {
  const { bytesPerSecond, clock } = options;
  if (typeof bytesPerSecond !== "number" || !(bytesPerSecond > 0)) throw invalid("bytesPerSecond");
  if (bytesPerSecond === Number.POSITIVE_INFINITY) return undefined;
  const burst = options.burst ?? bytesPerSecond / 10;
  if (typeof burst !== "number" || !(burst > 0) || burst === Number.POSITIVE_INFINITY) throw invalid("burst");
  return new TokenBucket(bytesPerSecond / 1000, burst, clock);
}

/** Waits for all of `paces` at once: the slowest decides. Returns nothing where there is nothing to limit. */
export function combinePaces(...paces: readonly (Pace | undefined)[]): Pace | undefined {
  const limits = paces.filter((pace) => pace !== undefined);
  if (limits.length < 2) return limits[0];
  return {
    take(bytes, signal) {
      const waits: Promise<void>[] = [];
      for (const limit of limits) {
        const wait = limit.take(bytes, signal);
        if (wait) waits.push(wait);
      }
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
  };
}

class TokenBucket implements Pace {
  readonly #perMillisecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #tokens: number;
  #refilled: number;
  #sleep: AbortController | undefined;

  constructor(perMillisecond: number, burst: number, clock: Clock) {
    this.#perMillisecond = perMillisecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#refilled = clock.now();
  }

  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiters.size === 0 && this.#spend(bytes)) return undefined;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
        this.#serve();
      };
      const waiter: Waiter = {
        bytes,
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (this.#waiters.size === 1) this.#serve();
    });
  }

  /** Grants from the head of the queue, then sleeps until the next head can be served. */
  #serve(): void {
    this.#sleep?.abort();
    this.#sleep = undefined;
    for (const waiter of this.#waiters) {
      if (!this.#spend(waiter.bytes)) {
        this.#wakeFor(waiter.bytes);
        return;
      }
      this.#waiters.delete(waiter);
      waiter.grant();
    }
  }

  #wakeFor(bytes: number): void {
    const missing = (this.#needed(bytes) - this.#tokens) / this.#perMillisecond;
    const sleep = new AbortController();
    this.#sleep = sleep;
    this.#clock.sleep(Math.min(Math.max(1, Math.ceil(missing)), longestSleep), sleep.signal).then(
      () => this.#serve(),
      () => undefined, // cut short: whoever did it serves the queue
    );
  }

  #spend(bytes: number): boolean {
    this.#refill();
    if (this.#tokens < this.#needed(bytes)) return false;
    this.#tokens -= bytes;
    return true;
  }

  #needed(bytes: number): number {
    return Math.min(bytes, this.#burst);
  }

  /** The cap holds only while nobody waits: a timer that fires late must not cost rate. */
  #refill(): void {
    const now = this.#clock.now();
    const tokens = this.#tokens + (now - this.#refilled) * this.#perMillisecond;
    this.#tokens = this.#waiters.size === 0 ? Math.min(tokens, this.#burst) : tokens;
    this.#refilled = now;
  }
}

function invalid(option: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `${option} must be a number of bytes above 0.`, { phase: "prepare" });
}
