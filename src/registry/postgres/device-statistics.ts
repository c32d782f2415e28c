import type { Queries } from "../../store/postgres/index.ts";

// Not the tables that may stay small: with statistics PostgreSQL would read those from end to end, and go on when they grow.
const analyzeStatement = "ANALYZE (SKIP_LOCKED) flashwave.device, flashwave.device_tag";

/** After so many new devices; what share of them a tag or a site has is known from then on, however many follow. */
const moments: readonly number[] = [1_000, 10_000];

/**
 * Has PostgreSQL look at what was put. Without statistics it takes every tag and every site for one of few devices: in the
 * minute until autovacuum comes by, a page by two tags of 100,000 devices compared each of one with each of the other, for
 * longer than a minute.
 */
export class DeviceStatistics {
  #created = 0;

  /** @param created devices that were just added; by this registry, others count theirs */
  async follow(on: Queries, created: number): Promise<void> {
    const before = this.#created;
    this.#created += created;
    if (!moments.some((moment) => before < moment && this.#created >= moment)) return;
    // What was put is committed: nobody is to hear that it was refused. Users who do not own the tables are only warned.
    await on.all(analyzeStatement).catch(() => {});
  }
}
