import { expect, it } from "vitest";
import { uptimeBetween } from "./boot.ts";

it.each<readonly [string | undefined, string | undefined, number | undefined]>([
  ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", 3_600],
  // Another offset, the same moment; and a clock that was never set.
  ["2026-01-01T02:00:00+02:00", "2026-01-01T00:00:01.5Z", 1.5],
  ["1970-01-01T00:00:07Z", "1970-01-01T00:00:07+00:00", 0],
  // A clock that was set back tells nothing.
  ["2026-01-01T01:00:00Z", "2026-01-01T00:00:00Z", undefined],
  ["2026-01-01T00:00:00Z", undefined, undefined],
  [undefined, "2026-01-01T00:00:00Z", undefined],
  ["2026-01-01", "2026-01-02", undefined],
  ["2026-01-01T00:00:00", "2026-01-01T00:00:01", undefined],
  ["2026-13-01T00:00:00Z", "2026-01-01T00:00:01Z", undefined],
  ["yesterday", "today", undefined],
])("from %s to %s lie %s seconds", (lastReset, now, seconds) => {
  expect(uptimeBetween(lastReset, now)).toBe(seconds);
});
