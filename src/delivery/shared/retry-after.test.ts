import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxRetryAfter, parseHttpDate, parseRetryAfter } from "./retry-after.ts";

const now = Date.UTC(2026, 10, 21, 6, 0, 0);
const dates = { min: new Date(Date.UTC(1970, 0, 1)), max: new Date(Date.UTC(9999, 11, 31)), noInvalidDate: true };

describe("parseHttpDate", () => {
  // The three spellings of RFC 9110 §5.6.7.
  it.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "reads %s",
    (text) => {
      expect(parseHttpDate(text, now)).toBe(784111777000);
    },
  );

  it("reads whatever Date writes", () => {
    fc.assert(
      fc.property(fc.date(dates), (date) => {
        expect(parseHttpDate(date.toUTCString(), now)).toBe(Math.floor(date.getTime() / 1000) * 1000);
      }),
    );
  });

  it("takes a two-digit year as at most fifty years ahead", () => {
    expect(parseHttpDate("Friday, 01-Jan-27 00:00:00 GMT", now)).toBe(Date.UTC(2027, 0, 1));
    expect(parseHttpDate("Friday, 01-Jan-76 00:00:00 GMT", now)).toBe(Date.UTC(2076, 0, 1));
    expect(parseHttpDate("Friday, 01-Jan-77 00:00:00 GMT", now)).toBe(Date.UTC(1977, 0, 1));
  });

  it.each(["2026-11-21T06:00:00Z", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST", "", "soon"])(
    "is nothing for %j",
    (text) => {
      expect(parseHttpDate(text, now)).toBeUndefined();
    },
  );
});

describe("parseRetryAfter", () => {
  it.each([
    ["0", 0],
    ["7", 7_000],
    [" 7 ", 7_000],
    ["600", maxRetryAfter],
    ["601", maxRetryAfter],
    ["9".repeat(400), maxRetryAfter],
    [new Date(now + 30_000).toUTCString(), 30_000],
    [new Date(now - 30_000).toUTCString(), 0],
    [new Date(now + 86_400_000).toUTCString(), maxRetryAfter],
  ])("%j is %d ms", (value, wait) => {
    expect(parseRetryAfter(value, now)).toBe(wait);
  });

  it.each([undefined, "", "-1", "1.5", "1e3", "0x10", "Infinity", "later"])("%j says nothing", (value) => {
    expect(parseRetryAfter(value, now)).toBeUndefined();
  });
});
