import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../core/clock.ts";
import { isBusy } from "./failure.ts";

export interface BusyPolicy {
  /** How long to go on trying, in milliseconds. */
  readonly patience: number;
  readonly random: Random;
  /** Called before each wait. */
  readonly onBusy: () => void;
}

/**
 * Tries until nobody else holds the lock. SQLite's own busy timeout sleeps inside the thread, and the event
 * loop with it; this waits outside it, 1 to 32 ms with full jitter.
 */
export async function whileBusy<T>(policy: BusyPolicy, attempt: () => T): Promise<T> {
  const end = performance.now() + policy.patience;
  for (let longest = 2; ; longest = Math.min(32, 2 * longest)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error;
    }
    policy.onBusy();
    await sleep(1 + policy.random() * (longest - 1));
  }
}
