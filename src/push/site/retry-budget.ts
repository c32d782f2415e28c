/** What a site's budget holds, what a fault takes of it, and what a first try that works gives back. */
export const budget: Readonly<Record<"tokens" | "timeout" | "fault" | "success", number>> = Object.freeze({
  tokens: 500,
  timeout: 10,
  fault: 5,
  success: 1,
});

/**
 * A token bucket over all devices of one site: while most of them answer, every fault may be tried again; when most fail,
 * the bucket runs dry, and trying again, which would make a bad hour worse, stops. Only first tries go on, and fill it.
 */
export class RetryBudget {
  #tokens: number = budget.tokens;

  get tokens(): number {
    return this.#tokens;
  }

  get full(): boolean {
    return this.#tokens === budget.tokens;
  }

  /** Takes what a fault costs. False: there is not enough left, nothing was taken, and no further try is due. */
  spend(timeout: boolean): boolean {
    const cost = timeout ? budget.timeout : budget.fault;
    if (cost > this.#tokens) return false;
    this.#tokens -= cost;
    return true;
  }

  /** A push was acknowledged at its first try. */
  earn(): void {
    this.#tokens = Math.min(budget.tokens, this.#tokens + budget.success);
  }
}
