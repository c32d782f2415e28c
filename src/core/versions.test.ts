import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareCodePoints, compareCodeUnits } from "./code-units.ts";
import { ageOf, exact, semver, type VersionScheme } from "./versions.ts";

const digits = fc.oneof(
  fc.nat(12).map(String),
  fc.bigInt({ min: 0n, max: 10n ** 40n }).map(String),
  fc.constantFrom("9", "10", "99", "100", "9999999999", "10000000000"),
);
const field = fc.oneof(digits, fc.stringMatching(/^[0-9A-Za-z-]{0,4}[A-Za-z-]$/), fc.constantFrom("alpha", "a", "a-"));
const release = fc.tuple(digits, digits, digits).map((parts) => parts.join("."));
const prerelease = fc.array(field, { maxLength: 3 }).map((fields) => (fields.length ? `-${fields.join(".")}` : ""));
const build = fc.constantFrom("", "+a", "+b.1");
const prefix = fc.constantFrom("", "v");
const parsed = fc.tuple(prefix, release, prerelease, build).map((parts) => parts.join(""));
/** Numbers between dots that are no semantic version: too few or too many of them, or with zeros before them. */
const dotted = fc
  .tuple(
    prefix,
    fc.array(
      fc.tuple(fc.constantFrom("", "", "0", "00"), digits).map((parts) => parts.join("")),
      { minLength: 2, maxLength: 6 },
    ),
  )
  .map(([v, numbers]) => v + numbers.join("."));
const unparsed = fc.constantFrom(
  "",
  "1",
  "v7",
  "r7",
  "1.",
  ".1",
  "1..2",
  "1.2-3",
  "1.2.3.4-rc",
  "1.0.0-01",
  "1.0.0-",
  "1.0.0+",
  "V1.0.0",
  "latest",
  " 1.0.0",
);
const astral = fc.string({ unit: fc.constantFrom("a", "\uD7FE", "\uD7FF", "\uD800", "\u{1F600}", "\uE000", "\uFFFF") });
const placed = fc.oneof(parsed, dotted);
const version = fc.oneof({ weight: 4, arbitrary: placed }, unparsed, fc.string(), astral);

/** §11 once more, read field by field, for as many numbers as there are: the witness for the keys. */
function precedence(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^v/, "").replace(/\+.*$/, ""));
  const split = (text: string): [string[], string[] | undefined] => {
    const dash = text.indexOf("-");
    return dash < 0 ? [text.split("."), undefined] : [text.slice(0, dash).split("."), text.slice(dash + 1).split(".")];
  };
  const [coreA, preA] = split(left ?? "");
  const [coreB, preB] = split(right ?? "");
  for (let i = 0; i < Math.max(coreA.length, coreB.length); i += 1) {
    const difference = BigInt(coreA[i] ?? 0) - BigInt(coreB[i] ?? 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  if (preA === undefined || preB === undefined) return Number(preB !== undefined) - Number(preA !== undefined);
  for (let i = 0; ; i += 1) {
    const [x, y] = [preA[i], preB[i]];
    if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined);
    const [numeric, other] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (numeric !== other) return numeric ? -1 : 1;
    const order = numeric ? Number(BigInt(x) > BigInt(y)) - Number(BigInt(x) < BigInt(y)) : compareCodeUnits(x, y);
    if (order !== 0) return order;
  }
}

const byUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe.each<[string, VersionScheme]>([
  ["semver", semver],
  ["exact", exact],
])("%s", (name, scheme) => {
  it("is called by its name", () => {
    expect(scheme.name).toBe(name);
  });

  it("orders its keys, by code unit and by UTF-8 byte, as it compares", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = Math.sign(scheme.compare(a, b));
        const [keyA, keyB] = [scheme.sortKey(a), scheme.sortKey(b)];
        expect(compareCodeUnits(keyA, keyB)).toBe(order);
        expect(Math.sign(byUtf8(keyA, keyB))).toBe(order);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(scheme.compare(a, a)).toBe(0);
        expect(Math.sign(scheme.compare(a, b)) + Math.sign(scheme.compare(b, a))).toBe(0);
        if (scheme.compare(a, b) <= 0 && scheme.compare(b, c) <= 0) expect(scheme.compare(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("calls level what it calls equal", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(scheme.equal(a, a)).toBe(true);
        expect(scheme.equal(a, b)).toBe(scheme.equal(b, a));
        if (scheme.equal(a, b)) expect(scheme.compare(a, b)).toBe(0);
      }),
    );
  });
});

describe("semver", () => {
  it("orders as the specification's own examples do (§11)", () => {
    const row = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0";
    const sorted = [...row.split(" "), "1.9.0", "1.10.0", "1.11.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0"];
    expect([...sorted].reverse().sort(semver.compare)).toEqual(sorted);
    expect(new Set(sorted.map(semver.sortKey)).size).toBe(sorted.length);
  });

  it("agrees with a plain reading of §11, numbers of any length and any count included", () => {
    fc.assert(
      fc.property(placed, placed, (a, b) => {
        expect(Math.sign(semver.compare(a, b))).toBe(precedence(a, b));
      }),
      { numRuns: 5_000 },
    );
  });

  it("orders numbers between dots by number, whatever their count", () => {
    const row = "0.0 1.2.0-rc.1 1.2 1.2.0.0.1 1.2.0.1 1.2.1 2.9 v2.10 02.11 2.11.0.3 2024.1.15 2024.01.16";
    const sorted = row.split(" ");
    expect([...sorted].reverse().sort(semver.compare)).toEqual(sorted);
    expect(new Set(sorted.map(semver.sortKey)).size).toBe(sorted.length);
  });

  it("takes a number that is missing for 0, and tells such versions apart all the same", () => {
    for (const same of ["1.2", "v1.2", "1.2.0", "1.2.0.0", "01.02", "1.2.0+build"]) {
      expect(semver.compare("1.2", same)).toBe(0);
      expect(semver.equal("1.2", same)).toBe(same === "1.2" || same === "v1.2");
    }
  });

  // One number alone may be a hash, what comes after a hyphen a prerelease or a package's revision.
  it.each([
    "",
    "42",
    "1234567",
    "9fceb02",
    "r7",
    "v7",
    "2.x",
    "2.10b",
    "1.2-3",
    "2024-01-15",
    "V1.2",
    " 1.2",
    "1.2.",
    "1.2\n",
  ])("has no place for %j: it is before all that have one", (name) => {
    expect(semver.orders(name)).toBe(false);
    fc.assert(
      fc.property(placed, (one) => {
        expect(semver.orders(one)).toBe(true);
        expect(semver.compare(name, one)).toBeLessThan(0);
      }),
    );
  });

  it("tells builds apart without ordering them", () => {
    expect(semver.compare("1.0.0+a", "1.0.0+b")).toBe(0);
    expect(semver.equal("1.0.0+a", "1.0.0+b")).toBe(false);
    expect(semver.equal("1.0.0", "1.0.0+b")).toBe(false);
    expect(semver.equal("v1.0.0+a", "1.0.0+a")).toBe(true);
    expect(semver.equal("latest", "vlatest")).toBe(false);
  });

  it("puts what does not parse first, in code-unit order", () => {
    const sorted = ["", "1", "1.2-3", "V1.0.0", "latest", "v1", "0.0.0-0", "0.0"];
    expect([...sorted].reverse().sort(semver.compare)).toEqual(sorted);
  });

  it("answers at once to hostile text", () => {
    const long = `1.0.0-${"1a.".repeat(50_000)}`;
    expect(semver.compare(long, "0.0.0-0")).toBe(-1);
    expect(semver.compare(`${"9".repeat(100_000)}.0.0`, "2.0.0")).toBe(1);
    expect(semver.compare(`${"1.".repeat(50_000)}1`, `${"01.".repeat(50_000)}2`)).toBe(-1);
    expect(semver.compare(`${"1.".repeat(50_000)}x`, "0.0.0-0")).toBe(-1);
  });
});

describe("exact", () => {
  it("is about names alone", () => {
    expect(exact.equal("v1.0.0", "1.0.0")).toBe(false);
    expect(["b", "a", "B"].sort(exact.compare)).toEqual(["B", "a", "b"]);
  });
});

describe("ageOf", () => {
  const byNumber = {
    compare: (a: string, b: string) => Number(a) - Number(b),
    equal: (a: string, b: string) => Number(a) === Number(b),
  };
  const buildIn = (text: string): string | undefined => text.split("+")[1];

  it("is the order where the scheme has one, each way round", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const level = semver.compare(a, b) === 0;
        const placed = semver.orders(a) && semver.orders(b);
        const known = a === b || (placed && (!level || buildIn(a) === buildIn(b)));
        expect(ageOf(semver, a, b)).toBe(known ? semver.compare(a, b) : undefined);
        expect(ageOf(semver, b, a)).toBe(known ? semver.compare(b, a) : undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is nothing where one of the two has no place, unless they are the same", () => {
    const pairs = [
      ["r7", "r8"],
      ["2.0.0", "r8"],
      ["r8", "2.0.0"],
    ] as const;
    expect(pairs.map(([a, b]) => ageOf(semver, a, b))).toEqual([undefined, undefined, undefined]);
    expect([ageOf(semver, "r7", "r7"), ageOf(exact, "a", "a"), ageOf(exact, "a", "b")]).toEqual([0, 0, undefined]);
  });

  it("is nothing between two builds of one version, and 0 between two ways to write one", () => {
    const builds = [
      ["1.0.0+a", "1.0.0+b"],
      ["1.0.0", "1.0.0+a"],
      ["1.0.0-rc+9", "v1.0.0-rc+10"],
      ["1.0+a", "1.0"],
    ] as const;
    expect(builds.map(([a, b]) => ageOf(semver, a, b))).toEqual(builds.map(() => undefined));
    const spelt = [
      ["1.2", "1.2.0"],
      ["v1.2.3", "1.2.3"],
      ["1.2.3+a", "v1.2.3+a"],
      ["7.00.01.171", "v7.0.1.171.0"],
    ] as const;
    expect(spelt.map(([a, b]) => ageOf(semver, a, b))).toEqual(spelt.map(() => 0));
    expect(ageOf({ ...semver, same: undefined as never }, "1.2", "1.2.0")).toBe(undefined);
  });

  it("takes the word of a scheme of somebody's own, and no number for none", () => {
    expect([ageOf(byNumber, "9", "10"), ageOf(byNumber, "10", "9"), ageOf(byNumber, "9", "9.0")]).toEqual([-1, 1, 0]);
    expect([ageOf(byNumber, "9", "x"), ageOf(byNumber, "x", "9")]).toEqual([undefined, undefined]);
  });
});

describe("compareCodePoints", () => {
  it("is the order of UTF-8", () => {
    fc.assert(
      fc.property(astral, fc.string({ unit: "binary" }), (a, b) => {
        const [x, y] = [a.toWellFormed(), b.toWellFormed()];
        expect(Math.sign(compareCodePoints(x, y))).toBe(byUtf8(x, y));
        expect(Math.sign(compareCodePoints(y, x))).toBe(byUtf8(y, x));
      }),
      { numRuns: 2_000 },
    );
    expect(compareCodePoints("\uFFFF", "\u{1F600}")).toBeLessThan(0);
    expect(compareCodePoints("a\u{1F600}", "a\uE000")).toBeGreaterThan(0);
  });
});
