import { describe, expect, it } from "vitest";
import { Coverage } from "./coverage.ts";
import { selectRange } from "./range.ts";

const etag = '"abc"';
const part = (start: number, end: number) => ({ kind: "part", start, end });
const whole = { kind: "whole" };
const unsatisfiable = { kind: "unsatisfiable" };

const forms: readonly (readonly [range: string | undefined, selection: object])[] = [
  [undefined, whole],
  ["bytes=0-0", part(0, 1)],
  ["bytes=0-99", part(0, 100)],
  ["bytes=0-", part(0, 100)],
  ["bytes=10-19", part(10, 20)],
  ["bytes=99-", part(99, 100)],
  ["bytes=90-100000", part(90, 100)],
  ["bytes=90-99999999999999999999999", part(90, 100)],
  ["BYTES=1-2", part(1, 3)],
  ["bytes= 1-2 ", part(1, 3)],
  ["bytes=,1-2,", part(1, 3)],
  ["bytes=-1", part(99, 100)],
  ["bytes=-100", part(0, 100)],
  ["bytes=-101", part(0, 100)],
  ["bytes=-0", unsatisfiable],
  ["bytes=100-", unsatisfiable],
  ["bytes=100-200,-0", unsatisfiable],
  ["bytes=99999999999999999999999-", unsatisfiable],
  // What is no ranges-specifier is ignored.
  ["bytes=5-4", whole],
  ["bytes=-", whole],
  ["bytes=", whole],
  ["bytes=,", whole],
  ["bytes=a-b", whole],
  ["bytes=0x1-2", whole],
  ["bytes=1 -2", whole],
  ["bytes=--1", whole],
  ["bytes 0-1", whole],
  ["lines=0-1", whole],
  ["bytes=0-1, bytes=2-3", whole],
  // Several that are one stretch, and several that are not.
  ["bytes=0-9,10-19", part(0, 20)],
  ["bytes=10-19,0-9,5-14", part(0, 20)],
  ["bytes=0-9,200-", part(0, 10)],
  ["bytes=0-9,20-29", whole],
  [`bytes=${Array.from({ length: 17 }, () => "0-1").join(",")}`, whole],
];

describe("a Range field", () => {
  it.each(forms)("%s", (range, selection) => {
    expect(selectRange(range, undefined, etag, 100)).toEqual(selection);
  });

  it.each([
    [etag, part(1, 3)],
    ['"abd"', whole],
    ['W/"abc"', whole],
    ["abc", whole],
    ["Sat, 29 Oct 1994 19:43:31 GMT", whole],
  ])("with If-Range: %s", (ifRange, selection) => {
    expect(selectRange("bytes=1-2", ifRange, etag, 100)).toEqual(selection);
  });
});

describe("coverage", () => {
  it("joins what touches and overlaps, in any order", () => {
    const coverage = new Coverage(100);
    for (const [start, end] of [
      [50, 60],
      [0, 10],
      [60, 70],
      [5, 55],
      [5, 5],
    ] as const)
      coverage.add(start, end);
    expect([coverage.bytes, coverage.complete]).toEqual([70, false]);
    coverage.add(69, 100);
    expect([coverage.bytes, coverage.complete]).toEqual([100, true]);
    coverage.add(0, 100);
    expect(coverage.bytes).toBe(100);
  });

  it("counts as a set of bytes does", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 200; round++) {
      const coverage = new Coverage(64);
      const bytes = new Set<number>();
      for (let step = 0; step < 12; step++) {
        const start = random(64);
        const end = start + random(65 - start);
        coverage.add(start, end);
        for (let at = start; at < end; at++) bytes.add(at);
        expect(coverage.bytes).toBe(bytes.size);
      }
    }
  });
});
