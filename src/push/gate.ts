import type { Lane } from "./push-many.ts";
import { abortedError } from "./waiting.ts";
import type { Work } from "./work.ts";

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** Lets `limit` through at a time; the rest wait in order. Costs nothing while there is room. */
export class SendGate {
  #limit: number;
  readonly #waiters: Set<Waiter> = new Set();
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  get full(): boolean {
    return this.#inside >= this.#limit;
  }

  /** Who is inside stays, also where there are more than may enter now. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
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
    this.#inside--;
    if (this.#waiters.size > 0) this.#admit();
  }

  #admit(): void {
    for (const next of this.#waiters) {
      if (this.full) return;
      this.#inside++;
      this.#waiters.delete(next);
      next.admit();
    }
  }

  /** Sends everyone who waits away; who comes later is let in or waits as before. */
  dismiss(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.refuse(reason);
    this.#waiters.clear();
  }
}

/**
 * A place at the device's site, then in its run, then among all: who waits for a site keeps no other's place meanwhile.
 * Nothing to await when there is room everywhere; whoever is sent away has no place left.
 */
export function enterAll(work: Work, all: SendGate, lane: Lane | undefined): Promise<void> | undefined {
  const { id, signal, site } = work;
  const place = site?.enter(id, signal);
  if (place === undefined) return enterRest(work, all, lane);
  lane?.park();
  return place.finally(() => lane?.unpark()).then(() => enterRest(work, all, lane));
}

function enterRest({ id, signal, site }: Work, all: SendGate, lane: Lane | undefined): Promise<void> | undefined {
  const enterLast = () => orGiveBack(all.enter(id, signal), () => lane?.gate.leave());
  const place = lane?.gate.enter(id, signal);
  const rest = place === undefined ? enterLast() : place.then(enterLast);
  return orGiveBack(rest, () => site?.leave());
}

function orGiveBack(turn: Promise<void> | undefined, giveBack: () => void): Promise<void> | undefined {
  return turn?.catch((error: unknown) => {
    giveBack();
    throw error;
  });
}
