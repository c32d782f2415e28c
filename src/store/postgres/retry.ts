import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../core/clock.ts";
import { isContended } from "./failure.ts";

export interface RetryPolicy {
  /** How long to go on trying, in milliseconds. */
  readonly patience: number;
  readonly random: Random;
  /** Called before each further attempt. */
  readonly onRetry: () => void;
}

/** Tries again what the server gave up for others (deadlock, serialization), 1 to 64 ms later with full jitter. */
export async function whileContended<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + policy.patience;
  for (let longest = 2; ; longest = Math.min(64, 2 * longest)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isContended(error) || performance.now() >= end) throw error;
    }
    policy.onRetry();
    await sleep(1 + policy.random() * (longest - 1));
  }
}
