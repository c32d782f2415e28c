import { abortedError } from "./waiting.ts";

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** Lets `limit` pushes through at a time; the rest wait in order. Costs nothing while there is room. */
export class SendGate {
  readonly #limit: number;
  readonly #waiters: Set<Waiter> = new Set();
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get inside(): number {
    return this.#inside;
  }

  /** Nothing to await when there is room. */
  enter(device: string, signal?: AbortSignal): Promise<void> | undefined {
    if (this.#inside < this.#limit) {
      this.#inside++;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal, "prepare", device));
      const onAbort = () => {
        this.#waiters.delete(waiter);
        if (signal !== undefined) reject(abortedError(signal, "prepare", device));
      };
      const waiter: Waiter = {
        admit: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        refuse: (reason) => {
          signal?.removeEventListener("abort", onAbort);
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  leave(): void {
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    // The place passes on, so `inside` stays as it is.
    this.#waiters.delete(next);
    next.admit();
  }

  /** Sends everyone who waits away. */
  close(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.refuse(reason);
    this.#waiters.clear();
  }
}
