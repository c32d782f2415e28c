import { expect } from "vitest";
import type { Clock } from "../core/clock.ts";
import type { DeviceInput, Listing, Registry } from "../core/registry.ts";
import type { VersionScheme } from "../core/versions.ts";

export interface OpenOptions {
  readonly versions?: VersionScheme;
  readonly clock?: Clock;
}

/** What the contract suites need to know of a driver. */
export interface RegistryDriver {
  /** Its name in the reports. */
  readonly driver: string;
  /** Opens a new, empty fleet, apart from all others. */
  open(options?: OpenOptions): Promise<Registry>;
  /** Closes a registry and opens the same fleet again; or why this driver cannot: the reason that a skip gives. */
  readonly reopen: ((registry: Registry) => Promise<Registry>) | string;
  /** Runs of each property, each on a fleet of its own. @default 60 */
  readonly runs?: number;
}

export interface TestClock extends Clock {
  /** Epoch milliseconds that `wall` gives. */
  time: number;
}

/** A clock that stands still until it is set. The registry only dates its rows by it. */
export function stoppedClock(time = 1_700_000_000_000): TestClock {
  return {
    time,
    now: () => 0,
    wall() {
      return this.time;
    },
    sleep: () => Promise.resolve(),
    every: () => () => {},
  };
}

export const device = (id: string, more: Omit<DeviceInput, "id" | "address"> = {}): DeviceInput => ({
  id,
  address: "http://10.0.0.1",
  ...more,
});

/** What no profile may have a header of, as somebody may spell it. */
export const loginHeaders: readonly string[] = [
  "authorization",
  "Proxy-Authorization",
  "COOKIE",
  "Set-Cookie",
  "api-key",
  "X-API-Key",
  "x-access-token",
  "X-Auth-Token",
];

/** Puts rows that must all be accepted, and returns their revisions. */
export async function accept<Row, Result extends { readonly result: string }>(
  table: { put(rows: readonly Row[]): Promise<readonly Result[]> },
  ...rows: readonly Row[]
): Promise<number[]> {
  const results = await table.put(rows);
  expect(results).toHaveLength(rows.length);
  return results.map((result) => {
    expect(result).toHaveProperty("revision");
    expect(["created", "updated"]).toContain(result.result);
    return (result as Result & { readonly revision: number }).revision;
  });
}

export async function expectCode(call: Promise<unknown>, code: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: "FlashwaveError", code });
}

/** All items of all pages, checking that no page but the last is short. */
export async function readAll<P extends Listing<unknown>>(
  read: (after: string | undefined) => Promise<P>,
  limit: number,
): Promise<{ readonly items: P["items"][number][]; readonly first: P }> {
  const first = await read(undefined);
  const items = [...first.items];
  for (let page = first; page.next !== undefined; ) {
    expect(page.items).toHaveLength(limit);
    const { next } = page;
    page = await read(next);
    expect(page.next).not.toBe(next); // or it would never end
    expect(page.items.length).toBeGreaterThan(0);
    items.push(...page.items);
  }
  return { items, first };
}

/** Cursors that nobody issued, some of them made from one that was. */
export function spoiltCursors(cursor: string): string[] {
  const flipped = [...cursor].map((letter, i) => {
    return cursor.slice(0, i) + (letter === "A" ? "B" : "A") + cursor.slice(i + 1);
  });
  return ["", "garbage", ".", "0", "null", "{}", "\0", `${cursor}A`, `${cursor} `, cursor.slice(0, -1), ...flipped];
}

/** Whether a value and all within it are frozen. */
export function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}
