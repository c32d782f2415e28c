import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { challengesOf, parseChallenges, parseParams } from "./challenges.ts";

const plain = (value: string) =>
  parseChallenges(value).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

describe("parseChallenges", () => {
  it("reads one challenge", () => {
    expect(plain('Basic realm="the \\"lab\\", left", charset="UTF-8"')).toEqual([
      ["basic", { realm: 'the "lab", left', charset: "UTF-8" }],
    ]);
  });

  // RFC 9110 §11.6.1: the example of the section.
  it("tells the commas between challenges from those within one", () => {
    expect(plain('Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""')).toEqual([
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
    ]);
  });

  it.each<[string, unknown]>([
    ["", []],
    [" , ,, ", []],
    ["Negotiate", [["negotiate", {}]]],
    [
      "Negotiate, Basic",
      [
        ["negotiate", {}],
        ["basic", {}],
      ],
    ],
    [
      "Negotiate dG9rZW4==, Basic realm=x",
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    [',Digest realm = "a" ,\tnonce=b,', [["digest", { realm: "a", nonce: "b" }]]],
    ['DIGEST REALM="a", Stale=TRUE', [["digest", { realm: "a", stale: "TRUE" }]]],
    ['Basic realm="\xe4"', [["basic", { realm: "\xe4" }]]],
  ])("reads %j", (value, expected) => {
    expect(plain(value)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["realm=x", []],
    ['Basic realm="open', []],
    ['Basic realm="a" rest"', [["basic", { realm: "a" }]]],
    ["Basic realm=", [["basic", {}]]],
    ['Basic realm="a", Digest realm="b', [["basic", { realm: "a" }]]],
    ['Basic realm="a", realm="b", Digest nonce=n', [["digest", { nonce: "n" }]]],
    ['Basic realm="a\0b"', []],
    ["<html>", []],
    [`Basic realm="${"x".repeat(9000)}"`, []],
  ])("takes nothing from where %j fits no grammar", (value, expected) => {
    expect(plain(value)).toEqual(expected);
  });

  it("settles for any text, and never invents a parameter", () => {
    const texts = fc.array(fc.constantFrom("a", "=", '"', "\\", ",", " ", "\t", "Digest", "realm", "x1", "\xff"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(texts, (pieces) => {
        const value = pieces.join("");
        for (const { params } of parseChallenges(value)) {
          for (const name of params.keys()) expect(value.toLowerCase()).toContain(name);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("gives back whatever was quoted", () => {
    const realm = fc.string({ unit: fc.constantFrom("a", '"', "\\", ",", "=", " ", "\xe9"), maxLength: 30 });
    fc.assert(
      fc.property(realm, realm, (one, two) => {
        const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
        expect(plain(`Digest realm=${quote(one)}, nonce=n,Basic realm=${quote(two)}`)).toEqual([
          ["digest", { realm: one, nonce: "n" }],
          ["basic", { realm: two }],
        ]);
      }),
    );
  });
});

describe("challengesOf", () => {
  it("reads every line, and no more challenges than anybody means", () => {
    const lines = ["Digest realm=a, Basic realm=b", "Bearer"].map((value) => ["www-authenticate", value] as const);
    const of = (rows: readonly (readonly [string, string])[]) =>
      challengesOf({ get: () => undefined, [Symbol.iterator]: () => rows[Symbol.iterator]() });
    expect(of([["server", "x"], ...lines]).map(({ scheme }) => scheme)).toEqual(["digest", "basic", "bearer"]);
    expect(of(Array.from({ length: 500 }, () => ["www-authenticate", "Basic realm=x"]))).toHaveLength(16);
  });
});

describe("parseParams", () => {
  it("reads Authentication-Info", () => {
    expect(Object.fromEntries(parseParams('nextnonce="n=", qop=auth, rspauth="ab", nc=00000001'))).toEqual({
      nextnonce: "n=",
      qop: "auth",
      rspauth: "ab",
      nc: "00000001",
    });
    expect(parseParams("").size).toBe(0);
    expect(parseParams('nextnonce="').size).toBe(0);
  });
});
