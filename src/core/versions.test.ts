import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareCodePoints, compareCodeUnits } from "./code-units.ts";
import { exact, semver, type VersionScheme } from "./versions.ts";

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
const unparsed = fc.constantFrom(
  "",
  "1",
  "1.2",
  "01.0.0",
  "1.0.0-01",
  "1.0.0-",
  "1.0.0+",
  "V1.0.0",
  "latest",
  " 1.0.0",
);
const astral = fc.string({ unit: fc.constantFrom("a", "\uD7FE", "\uD7FF", "\uD800", "\u{1F600}", "\uE000", "\uFFFF") });
const version = fc.oneof({ weight: 4, arbitrary: parsed }, unparsed, fc.string(), astral);

/** §11 once more, read field by field: the witness for the keys. */
function precedence(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^v/, "").replace(/\+.*$/, ""));
  const split = (text: string): [string[], string[] | undefined] => {
    const dash = text.indexOf("-");
    return dash < 0 ? [text.split("."), undefined] : [text.slice(0, dash).split("."), text.slice(dash + 1).split(".")];
  };
  const [coreA, preA] = split(left ?? "");
  const [coreB, preB] = split(right ?? "");
  for (const [i, part] of coreA.entries()) {
    const difference = BigInt(part) - BigInt(coreB[i] ?? 0);
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

  it("agrees with a plain reading of §11, numbers of any length included", () => {
    fc.assert(
      fc.property(parsed, parsed, (a, b) => {
        expect(Math.sign(semver.compare(a, b))).toBe(precedence(a, b));
      }),
      { numRuns: 5_000 },
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
    const sorted = ["", "01.0.0", "1.2", "V1.0.0", "latest", "v1", "0.0.0-0"];
    expect([...sorted].reverse().sort(semver.compare)).toEqual(sorted);
  });

  it("answers at once to hostile text", () => {
    const long = `1.0.0-${"1a.".repeat(50_000)}`;
    expect(semver.compare(long, "0.0.0-0")).toBe(-1);
    expect(semver.compare(`${"9".repeat(100_000)}.0.0`, "2.0.0")).toBe(1);
  });
});

describe("exact", () => {
  it("is about names alone", () => {
    expect(exact.equal("v1.0.0", "1.0.0")).toBe(false);
    expect(["b", "a", "B"].sort(exact.compare)).toEqual(["B", "a", "b"]);
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
