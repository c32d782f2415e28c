/** The simulator's time. Injected, so that a test can hold it still: no reboot and no rollback ever needs a sleep. */
export interface SimulatorClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

/** Real time. Its timers never keep a process alive. */
export const realTime: SimulatorClock = Object.freeze({
  now: () => performance.now(),
  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
});

export interface ManualTime extends SimulatorClock {
  /** Moves time on and runs what falls due, in order of its time. */
  advance(ms: number): void;
}

/** Time that moves only when told to. */
export function manualTime(): ManualTime {
  let now = 0;
  const due = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const entry = { at: now + ms, run };
      due.add(entry);
      return () => due.delete(entry);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = [...due].filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at);
        if (!next) break;
        due.delete(next);
        now = next.at;
        next.run();
      }
      now = until;
    },
  };
}
