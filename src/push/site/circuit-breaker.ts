import type { Random } from "../../core/clock.ts";

/** What an attempt shows of its site. `nothing`: it ended before the site could be asked. */
export type Reach = "reached" | "unreachable" | "nothing";

export interface BreakerOptions {
  /** Attempts at once from which the site counts as well again. */
  readonly cap: number;
  /** Milliseconds: the first ceiling of the time for which nothing is tried; it doubles with every probe in vain. */
  readonly base: number;
  /** Milliseconds without a contact after which nobody waits for the site any more. A quarter is the highest ceiling. */
  readonly longest: number;
  readonly random: Random;
}

/** The latest attempts that are looked at, and how many of them must have found no connection. */
const looked = 20;
const tooMany = 10;
/** Milliseconds without an attempt after which what was before says nothing any more. */
const memory = 60_000;

/**
 * Keeps a whole site from trying in vain. Pure: it is told the time and what attempts came to, and says how many may be
 * under way.
 *
 *     closed ── 10 of the latest 20 found no connection ──▶ open ◀──────────────┐
 *       ▲                                                     │ after a while    │ no connection
 *       │ `cap` at once                                       ▼                  │
 *       └──────── ramping: one more for every contact ◀── half-open: one probe ──┘
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  /** The latest results, one bit each, a set bit being an attempt without a connection. */
  #results = 0;
  #count = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** Attempts that may be under way; infinite while closed, 0 while open. */
  #limit = Number.POSITIVE_INFINITY;
  #openUntil = 0;
  /** Since when no probe came through. */
  #downSince = 0;
  #probes = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Attempts that may be under way now. */
  limit(now: number): number {
    if (this.#limit === 0 && now >= this.#openUntil) this.#limit = 1;
    return this.#limit;
  }

  get closed(): boolean {
    return this.#limit === Number.POSITIVE_INFINITY;
  }

  /** Whether there is nothing to remember of this site. */
  isPristine(now: number): boolean {
    return this.closed && (this.#count === 0 || now - this.#lastAt > memory);
  }

  /** When the next probe is due, where nothing may be tried now. */
  get openUntil(): number {
    return this.#openUntil;
  }

  /** By when whoever waits for the site gives up; only of use while it is not closed. */
  get waitUntil(): number {
    return this.#downSince + this.#options.longest;
  }

  /** Of the latest attempts, how many found no connection. */
  get seen(): { readonly attempts: number; readonly unreachable: number } {
    return { attempts: this.#count, unreachable: ones(this.#results) };
  }

  ended(reach: Reach, now: number): void {
    if (reach === "nothing") return;
    if (this.closed) this.#note(reach, now);
    // What began before it opened says nothing new while it is open; half-open, it is as good as a probe.
    else if (this.limit(now) > 0) this.#probed(reach, now);
  }

  #note(reach: "reached" | "unreachable", now: number): void {
    if (now - this.#lastAt > memory) this.#results = this.#count = 0;
    this.#lastAt = now;
    this.#results = ((this.#results << 1) | (reach === "unreachable" ? 1 : 0)) & (2 ** looked - 1);
    this.#count = Math.min(looked, this.#count + 1);
    if (reach === "reached" || this.#count < looked || ones(this.#results) < tooMany) return;
    this.#probes = 0;
    this.#downSince = now;
    this.#open(now);
  }

  #probed(reach: "reached" | "unreachable", now: number): void {
    if (reach === "unreachable") {
      // While it ramps up it has been reached since: a new outage.
      if (this.#limit > 1) this.#downSince = now;
      this.#open(now);
      return;
    }
    // Every contact makes room for one more beside itself: the number doubles with every round.
    this.#limit++;
    if (this.#limit < this.#options.cap) return;
    this.#limit = Number.POSITIVE_INFINITY;
    this.#results = this.#count = 0;
  }

  /** At least half of the ceiling, since a probe at once would ask too early; the rest keeps clients from probing in step. */
  #open(now: number): void {
    const { base, longest, random } = this.#options;
    // One probe is cheap, and whoever waits must not be sent away for want of a few more.
    const ceiling = Math.min(longest / 4, base * 2 ** this.#probes++);
    this.#openUntil = now + ceiling / 2 + random() * (ceiling / 2);
    this.#limit = 0;
  }
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) count++;
  return count;
}
