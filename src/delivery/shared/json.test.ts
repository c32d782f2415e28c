import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonValue, maxJsonBytes, maxJsonDepth, readJson } from "./json.ts";
import { compilePointer, readPointer } from "./json-pointer.ts";

const read = (text: string) => readJson(Buffer.from(text));

describe("readJson", () => {
  it("reads every JSON value", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(read(text)).toEqual({ value: JSON.parse(text) });
      }),
    );
  });

  it.each([
    ["", "has no body"],
    ["<html>", "is not JSON"],
    ['{"version":', "is not JSON"],
    ["{} {}", "is not JSON"],
    [`"${"x".repeat(maxJsonBytes)}"`, `is longer than ${maxJsonBytes} bytes`],
    ["[".repeat(maxJsonBytes), `is nested more than ${maxJsonDepth} levels deep`],
  ])("says what is wrong with %.20s", (text, problem) => {
    expect(read(text)).toEqual({ problem });
  });

  it("rejects bytes that are not UTF-8", () => {
    expect(readJson(Buffer.from([0x22, 0xff, 0x22]))).toEqual({ problem: "is not JSON" });
  });

  it("counts levels, not brackets in text and not brackets side by side", () => {
    const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(read(deep(maxJsonDepth))).toHaveProperty("value");
    expect(read(deep(maxJsonDepth + 1))).toHaveProperty("problem");
    expect(read(`["${"[{".repeat(100)}\\"["]`)).toHaveProperty("value");
    expect(read(`[${"[],{},".repeat(100)}0]`)).toHaveProperty("value");
  });

  it("cannot be used to change what other objects inherit", () => {
    const json = read('{"__proto__":{"version":"9"},"constructor":{"prototype":{"version":"9"}}}');
    expect(json).toHaveProperty("value");
    expect(({} as Record<string, unknown>)["version"]).toBeUndefined();
    const value = "value" in json ? json.value : null;
    expect(readPointer(value, ["version"])).toBeUndefined();
    expect(readPointer(value, ["toString"])).toBeUndefined();
    expect(readPointer(value, ["__proto__", "version"])).toBe("9");
  });
});

describe("JSON pointers", () => {
  // RFC 6901 §5
  const document: JsonValue = { foo: ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, "~1": 9 };
  it.each([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/c%d", 2],
    ["/m~0n", 8],
    ["/~01", 9],
    ["/foo/-", undefined],
    ["/foo/00", undefined],
    ["/foo/2", undefined],
    ["/foo/length", undefined],
    ["/foo/0/0", undefined],
    ["/none/none", undefined],
  ])("%j", (text, value) => {
    const pointer = compilePointer(text);
    expect(pointer && readPointer(document, pointer)).toEqual(value);
    expect(pointer).toBeDefined();
  });

  it("reads nothing from null", () => {
    expect(readPointer(null, ["a"])).toBeUndefined();
  });

  it.each(["version", "#/version", "/~", "/~2", "/a~", `/${"a".repeat(1024)}`, "/a".repeat(maxJsonDepth + 1)])(
    "%.12j is not one",
    (text) => {
      expect(compilePointer(text)).toBeUndefined();
    },
  );
});
