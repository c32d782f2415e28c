import { describe, expect, it } from "vitest";
import { byProcess, compare, figure, holm, median, spread, verdict } from "./statistics.ts";
import type { PlacedSample } from "./types.ts";

const sample: PlacedSample = {
  process: 0,
  round: 0,
  ops: 10,
  wallNs: 50_000,
  cpuUs: 40,
  heapBytes: 1_000,
  rssPeak: 7,
  rssHeld: 30,
  retained: 20,
};

describe("figures", () => {
  it("are per operation, but for the peak of a round", () => {
    expect(figure(sample, "wall")).toBe(5);
    expect(figure(sample, "cpu")).toBe(4);
    expect(figure(sample, "heap")).toBe(100);
    expect(figure(sample, "rssPeak")).toBe(7);
    expect(figure(sample, "rssHeld")).toBe(3);
    expect(figure(sample, "retained")).toBe(2);
  });

  it("count once per process, whatever the number of rounds", () => {
    const samples = [10, 30, 20].map((cpuUs, round) => ({ ...sample, round, cpuUs }));
    samples.push({ ...sample, process: 1, cpuUs: 50 });
    expect(byProcess({ name: "", about: "", samples }, "cpu")).toEqual([2, 5]);
  });
});

describe("median and spread", () => {
  it("take the middle, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("measure half the distance of the quartiles against the median", () => {
    expect(spread([8, 9, 10, 11, 12])).toBeCloseTo(0.1);
    expect(spread([5, 5, 5])).toBe(0);
  });
});

describe("compare", () => {
  const around = (centre: number): number[] => Array.from({ length: 12 }, (_, i) => centre * (1 + (i - 6) / 1_000));

  it("sees a tenth more, surely and wholly", () => {
    const { change, p, effect } = compare(around(20), around(22));
    expect(change).toBeCloseTo(0.1, 2);
    expect(p).toBeLessThan(0.001);
    expect(effect).toBe(1);
  });

  it("gives the effect the sign of the change, also for small numbers", () => {
    expect(compare(around(0.002), around(0.001)).effect).toBe(-1);
  });

  it("sees nothing where there is nothing", () => {
    const { p, effect } = compare(around(20), around(20));
    expect(p).toBeGreaterThan(0.9);
    expect(effect).toBe(0);
  });
});

describe("holm", () => {
  it("steps down, never falls, never exceeds one, and keeps the order given", () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((value, index) => {
      expect(adjusted[index]).toBeCloseTo(value);
    });
    expect(holm([0.7, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

describe("verdict", () => {
  it("needs both a difference worth talking about and a small p", () => {
    expect(verdict(-0.1, 0.01)).toBe("better");
    expect(verdict(0.1, 0.01)).toBe("worse");
    expect(verdict(0.1, 0.05)).toBe("~");
    expect(verdict(0.029, 0.0001)).toBe("~");
    expect(verdict(Number.NaN, Number.NaN)).toBe("~");
  });
});
