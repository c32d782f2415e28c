import type { Clock } from "../../core/clock.ts";
import { FlashwaveError, inContext } from "../../core/errors.ts";
import { SendGate } from "../gate.ts";
import { type BreakerOptions, CircuitBreaker, type Reach } from "./circuit-breaker.ts";
import { isTimeout, reachOf } from "./reach.ts";
import { RetryBudget } from "./retry-budget.ts";

export interface SiteOptions extends BreakerOptions {
  readonly clock: Clock;
}

/**
 * What the devices of one site share, since one line leads to all of them.
 *
 *     call ──▶ at most `cap` at once ──▶ attempt ──▶ as many as the breaker lets ──▶ device
 *                                          ▲                                          │
 *                                          └───── the budget pays for another ◀── fault
 */
export class Site {
  readonly name: string;
  readonly #clock: Clock;
  readonly #calls: SendGate;
  readonly #attempts = new SendGate(Number.POSITIVE_INFINITY);
  readonly #breaker: CircuitBreaker;
  readonly #budget = new RetryBudget();
  /** Ends the wait for the next probe, or for giving the site up. */
  #timer: AbortController | undefined;
  #closed: { readonly reason: unknown } | undefined;

  constructor(name: string, options: SiteOptions) {
    this.name = name;
    this.#clock = options.clock;
    this.#calls = new SendGate(options.cap);
    this.#breaker = new CircuitBreaker(options);
  }

  /** A place for one call, from its first attempt to its end; nothing to await when there is one. */
  enter(device: string, signal: AbortSignal | undefined): Promise<void> | undefined {
    return this.#calls.enter(device, signal);
  }

  leave(): void {
    this.#calls.leave();
  }

  /** Whether nothing would be lost with it. */
  get idle(): boolean {
    return this.#calls.inside === 0 && this.#budget.full && this.#breaker.isPristine(this.#clock.now());
  }

  /** Whether another attempt may follow this fault. Asking is paying. */
  pays(fault: FlashwaveError): boolean {
    return this.#budget.spend(isTimeout(fault));
  }

  /**
   * One attempt, once the breaker lets it. Whoever has to wait does so for as long as the site may come back within the
   * time that a retry would wait at most.
   *
   * @param first whether it is a push's first try, which fills the budget when it works
   * @throws `site_unavailable`, with nothing sent
   */
  async run<T>(attempt: () => Promise<T>, first: boolean, device: string, signal?: AbortSignal): Promise<T> {
    const turn = this.#turn(device, signal);
    if (turn !== undefined) await turn;
    let reach: Reach = "reached";
    try {
      const answer = await attempt();
      if (first) this.#budget.earn();
      return answer;
    } catch (error) {
      reach = reachOf(error);
      throw error;
    } finally {
      this.#ended(reach);
    }
  }

  /** Sends everybody away, now and later. */
  close(reason: unknown): void {
    this.#closed = { reason };
    this.#timer?.abort();
    this.#calls.dismiss(reason);
    this.#attempts.dismiss(reason);
  }

  #turn(device: string, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#closed !== undefined) return Promise.reject(this.#closed.reason);
    const now = this.#clock.now();
    this.#attempts.limit = this.#breaker.limit(now);
    if (this.#attempts.full && this.#isLost(now)) return Promise.reject(inContext(this.#unavailable(), { device }));
    const turn = this.#attempts.enter(device, signal);
    if (turn !== undefined && this.#timer === undefined) this.#arm();
    return turn;
  }

  #ended(reach: Reach): void {
    const now = this.#clock.now();
    this.#breaker.ended(reach, now);
    this.#attempts.limit = this.#breaker.limit(now);
    this.#attempts.leave();
    if (!this.#breaker.closed) this.#arm();
  }

  /** Down for so long that nobody waits for it any more; a probe goes out all the same. */
  #isLost(now: number): boolean {
    return this.#breaker.limit(now) <= 1 && now >= this.#breaker.waitUntil;
  }

  /** Only while somebody waits, and for as long as it is not known to be back. */
  #arm(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    const now = this.#clock.now();
    const limit = this.#breaker.limit(now);
    if (this.#attempts.waiting === 0 || limit > 1) return;
    const { openUntil, waitUntil } = this.#breaker;
    const due = limit === 0 ? Math.min(openUntil, waitUntil) : waitUntil;
    const timer = new AbortController();
    this.#timer = timer;
    this.#clock.sleep(Math.max(1, due - now), timer.signal).then(
      () => this.#onTime(),
      () => {},
    );
  }

  #onTime(): void {
    const now = this.#clock.now();
    this.#attempts.limit = this.#breaker.limit(now);
    if (this.#isLost(now)) this.#attempts.dismiss(this.#unavailable());
    this.#arm();
  }

  #unavailable(): FlashwaveError {
    return new FlashwaveError(
      "site_unavailable",
      `Site ${JSON.stringify(this.name)} cannot be reached: of its latest attempts too many found no connection, and no probe since then. Nothing of this attempt was sent. Check the line to the site, and try again.`,
      { phase: "connect", retryable: true },
    );
  }
}

/** The fault that another attempt might have mended, had the site's budget paid for it. */
export function budgetSpent(fault: FlashwaveError, site: string): FlashwaveError {
  const { phase, bytesOut, device, attempt, reply } = fault;
  return new FlashwaveError(
    "retry_budget_spent",
    `Not tried again after ${fault.code}: so much failed at site ${JSON.stringify(site)} that its retry budget is spent. Check the site; every push there that works at its first try fills the budget.`,
    {
      phase,
      bytesOut,
      retryable: true,
      cause: fault,
      ...(device !== undefined && { device }),
      ...(attempt !== undefined && { attempt }),
      ...(reply !== undefined && { reply }),
    },
  );
}
