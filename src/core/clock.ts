/**
 * Time as the product sees it. Everything that waits, times out or dates a record takes a `Clock`, so that a test can
 * hold time still and a simulation can replay it.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start: for durations and deadlines, never for records. */
  now(): number;
  /** Milliseconds since the Unix epoch: for records, never for durations. */
  wall(): number;
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` every `ms` milliseconds until the returned function is called. Never keeps the process alive. */
  every(ms: number, tick: () => void): () => void;
}

/** A number in [0, 1), as `Math.random` gives. Injected so that jitter is replayable. */
export type Random = () => number;

export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
  every(ms: number, tick: () => void): () => void {
    const timer = setInterval(tick, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
});
