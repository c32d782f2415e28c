import type { Clock } from "../core/clock.ts";

export interface ProgressOptions {
  /** Bytes in all. */
  readonly total: number;
  /** The least time between two reports, in milliseconds. @default 100 */
  readonly intervalMs?: number;
  readonly clock: Clock;
  /** Called in the sender's own turn: keep it short. What it throws reaches the sender. */
  readonly report: (sent: number) => void;
}

/** Takes the bytes sent so far, as often as anybody likes. */
export interface ProgressMeter {
  (sent: number): void;
  /** Reports the last value if it has not been reported yet. */
  finish(): void;
}

/**
 * Turns many byte counts into few reports that only ever rise: the first at once, then at most one per interval, and
 * always the total and the last. It holds no timer.
 */
export function createProgress(options: ProgressOptions): ProgressMeter {
  const { total, intervalMs = 100, clock, report } = options;
  let seen = -1;
  let told = -1;
  let due = Number.NEGATIVE_INFINITY;
  const tell = () => {
    told = seen;
    report(seen);
  };
  const meter = (sent: number) => {
    const value = Math.min(sent, total);
    if (value <= seen) return;
    seen = value;
    const now = clock.now();
    if (now < due && seen < total) return;
    due = now + intervalMs;
    tell();
  };
  return Object.assign(meter, {
    finish() {
      if (seen > told) tell();
    },
  });
}
