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
    return this.#wait(device, signal);
  }

  #wait(device: string, signal: AbortSignal | undefined): Promise<void> {
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
  const place = work.site?.enter(work.id, work.signal);
  return place === undefined ? enterRest(work, all, lane) : afterSite(place, work, all, lane);
}

async function afterSite(place: Promise<void>, work: Work, all: SendGate, lane: Lane | undefined): Promise<void> {
  lane?.park();
  try {
    await place;
  } finally {
    lane?.unpark();
  }
  await enterRest(work, all, lane);
}

function enterRest(work: Work, all: SendGate, lane: Lane | undefined): Promise<void> | undefined {
  const place = lane?.gate.enter(work.id, work.signal);
  const last = place === undefined ? all.enter(work.id, work.signal) : undefined;
  // Mostly there is room, and then no push pays for what follows.
  return place === undefined && last === undefined ? undefined : waitedFor(place, last, work, all, lane);
}

/** @param place in the run, where that is waited for; then `last`, among all, is not asked for yet */
async function waitedFor(
  place: Promise<void> | undefined,
  last: Promise<void> | undefined,
  work: Work,
  all: SendGate,
  lane: Lane | undefined,
): Promise<void> {
  try {
    await place;
    try {
      await (place === undefined ? last : all.enter(work.id, work.signal));
    } catch (error) {
      lane?.gate.leave();
      throw error;
    }
  } catch (error) {
    work.site?.leave();
    throw error;
  }
}
