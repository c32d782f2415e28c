import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budget, RetryBudget } from "./retry-budget.ts";

const event = fc.constantFrom("timeout" as const, "fault" as const, "success" as const);

function play(bucket: RetryBudget, what: "timeout" | "fault" | "success"): boolean {
  if (what !== "success") return bucket.spend(what === "timeout");
  bucket.earn();
  return true;
}

describe("a retry budget", () => {
  it("pays for a hundred faults or fifty timeouts, and for none after that", () => {
    for (const [timeout, most] of [
      [false, 100],
      [true, 50],
    ] as const) {
      const bucket = new RetryBudget();
      const paid = Array.from({ length: 200 }, () => bucket.spend(timeout)).filter(Boolean).length;
      expect(paid).toBe(most);
    }
  });

  it("takes nothing where it has not enough: a timeout that is not paid for leaves enough for a fault", () => {
    const bucket = new RetryBudget();
    for (let spent = 0; spent < 495; spent += 5) bucket.spend(false);
    expect([bucket.spend(true), bucket.tokens, bucket.spend(false), bucket.tokens]).toEqual([false, 5, true, 0]);
  });

  it("pays for the next fault after five first tries that worked", () => {
    const bucket = new RetryBudget();
    while (bucket.spend(false));
    const paid = Array.from({ length: 10 }, () => {
      bucket.earn();
      return bucket.spend(false);
    });
    expect(paid).toEqual([false, false, false, false, true, false, false, false, false, true]);
  });

  it("never holds more than it began with, nor less than nothing, and pays for no more than came in", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 800 }), (events) => {
        const bucket = new RetryBudget();
        let spent = 0;
        let earned = 0;
        for (const what of events) {
          const before = bucket.tokens;
          const paid = play(bucket, what);
          if (what === "success") earned += budget.success;
          else if (paid) spent += what === "timeout" ? budget.timeout : budget.fault;
          else expect(bucket.tokens).toBe(before);
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(budget.tokens);
        }
        expect(spent).toBeLessThanOrEqual(budget.tokens + earned);
        expect(bucket.full).toBe(bucket.tokens === budget.tokens);
      }),
    );
  });
});
