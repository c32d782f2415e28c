import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CircuitBreaker, type Reach } from "./circuit-breaker.ts";

const options = { cap: 8, base: 5_000, longest: 60_000, random: () => 1 };

/** A breaker that has been told of `bad` attempts without a connection and then `good` with one, all at one moment. */
function told(bad: number, good = 0, at = 0): CircuitBreaker {
  const breaker = new CircuitBreaker(options);
  for (let i = 0; i < good; i++) breaker.ended("reached", at);
  for (let i = 0; i < bad; i++) breaker.ended("unreachable", at);
  return breaker;
}

describe("a circuit breaker", () => {
  it.each([
    [19, 0, Number.POSITIVE_INFINITY],
    [20, 0, 0],
    [9, 11, Number.POSITIVE_INFINITY],
    [10, 10, 0],
    [9, 500, Number.POSITIVE_INFINITY],
    [10, 500, 0],
  ])("after %i attempts in vain and %i before them that were not, lets %d", (bad, good, limit) => {
    expect(told(bad, good).limit(0)).toBe(limit);
  });

  it("opens by a failure alone, however the others fall out of sight", () => {
    const breaker = told(9, 0);
    for (let i = 0; i < 30; i++) breaker.ended("reached", 0);
    expect(breaker.limit(0)).toBe(Number.POSITIVE_INFINITY);
    expect(breaker.seen).toEqual({ attempts: 20, unreachable: 0 });
  });

  it("forgets what was a minute before, and not what was less", () => {
    const breaker = told(19);
    breaker.ended("unreachable", 60_001);
    expect(breaker.limit(60_001)).toBe(Number.POSITIVE_INFINITY);
    const other = told(19);
    other.ended("unreachable", 60_000);
    expect(other.limit(60_000)).toBe(0);
  });

  it("learns nothing from attempts that never asked the site", () => {
    const breaker = told(19);
    for (let i = 0; i < 50; i++) breaker.ended("nothing", 0);
    expect([breaker.limit(0), breaker.seen.attempts]).toEqual([Number.POSITIVE_INFINITY, 19]);
  });

  it("lets one probe through once its time is over, and waits twice as long after each in vain, up to a ceiling", () => {
    const breaker = told(20);
    let now = 0;
    const waits: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      expect(breaker.limit(breaker.openUntil - 1)).toBe(0);
      waits.push(breaker.openUntil - now);
      now = breaker.openUntil;
      expect(breaker.limit(now)).toBe(1);
      breaker.ended("unreachable", now);
    }
    expect(waits).toEqual([5_000, 10_000, 15_000, 15_000, 15_000, 15_000]);
    expect(breaker.waitUntil).toBe(60_000);
  });

  it("waits half of its ceiling at least, and the rest by chance", () => {
    const waits = [0, 0.5, 1].map((random) => {
      const breaker = new CircuitBreaker({ ...options, random: () => random });
      for (let i = 0; i < 20; i++) breaker.ended("unreachable", 0);
      return breaker.openUntil;
    });
    expect(waits).toEqual([2_500, 3_750, 5_000]);
  });

  it("ramps up by one for every contact, and is closed at the cap, with nothing held against the site", () => {
    const breaker = told(20);
    const at = breaker.openUntil;
    const limits = Array.from({ length: 8 }, () => {
      const limit = breaker.limit(at);
      breaker.ended("reached", at);
      return limit;
    });
    expect(limits).toEqual([1, 2, 3, 4, 5, 6, 7, Number.POSITIVE_INFINITY]);
    breaker.ended("unreachable", at);
    expect(breaker.limit(at)).toBe(Number.POSITIVE_INFINITY);
  });

  it("opens again when the ramp breaks, and counts the outage from there", () => {
    const breaker = told(20);
    const at = breaker.openUntil;
    breaker.limit(at);
    breaker.ended("reached", at);
    breaker.ended("unreachable", at + 100);
    expect([breaker.limit(at + 100), breaker.waitUntil]).toEqual([0, at + 100 + 60_000]);
  });

  it("takes what began before it opened for nothing new while it is open", () => {
    const breaker = told(20);
    const until = breaker.openUntil;
    for (const reach of ["reached", "unreachable"] as const) breaker.ended(reach, 1);
    expect([breaker.limit(1), breaker.openUntil]).toEqual([0, until]);
  });
});

describe("a circuit breaker, whatever happens,", () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 20_000 }),
    reach: fc.constantFrom<Reach>("reached", "unreachable", "nothing"),
  });

  it("opens on a failure alone, never with less than 10 of 20 in sight, and lets one probe first", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (steps, chance) => {
          const breaker = new CircuitBreaker({ ...options, random: () => chance.next().value as number });
          let now = 0;
          for (const { wait, reach } of steps) {
            now += wait;
            const before = breaker.limit(now);
            breaker.ended(reach, now);
            const limit = breaker.limit(now);
            if (before > 0 && limit === 0) {
              expect(reach).toBe("unreachable");
              if (before === Number.POSITIVE_INFINITY) expect(breaker.seen.unreachable).toBeGreaterThanOrEqual(10);
              expect(breaker.openUntil - now).toBeGreaterThanOrEqual(2_500);
              expect(breaker.openUntil - now).toBeLessThanOrEqual(15_000);
              expect(breaker.limit(breaker.openUntil)).toBe(1);
              now = breaker.openUntil;
            }
            if (before === Number.POSITIVE_INFINITY && reach !== "unreachable") expect(limit).toBe(before);
            if (before > 0 && before < Number.POSITIVE_INFINITY && reach === "reached")
              expect(limit).toBe(before + 1 < options.cap ? before + 1 : Number.POSITIVE_INFINITY);
          }
        },
      ),
    );
  });

  it("is closed again after as many contacts as its cap, once the site is back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const breaker = new CircuitBreaker(options);
        let now = 0;
        for (const { wait, reach } of steps) {
          now += wait;
          breaker.ended(reach, now);
        }
        now = Math.max(now, breaker.openUntil);
        for (let contact = 0; contact < options.cap; contact++) {
          expect(breaker.limit(now)).toBeGreaterThan(0);
          breaker.ended("reached", now);
        }
        expect(breaker.closed).toBe(true);
      }),
    );
  });
});
