import { describe, expect, it } from "vitest";
import { checkPath } from "./path.ts";

const good = [
  "/",
  "/update",
  "/a/b/c",
  "/v1/x?y=1&z=%20",
  "/a//b",
  "/.well-known/x",
  "/a..b/c.",
  "/x?p=../y",
  "/@:!$&'()*+,;=~-_.",
];

const bad: Record<string, unknown> = {
  empty: "",
  relative: "update",
  "a URL": "http://evil/",
  "an opaque URL": "mailto:x",
  "an authority": "//evil/x",
  "a space": "/a b",
  "a tab": "/a\tb",
  "a line break": "/a\r\nx-injected: 1",
  NUL: "/a\0",
  "a fragment": "/a#b",
  backslash: "/a\\b",
  "beyond ASCII": "/ü",
  "a lone percent": "/100%",
  "a bad escape": "/%zz",
  "a cut escape": "/%4",
  "a dot segment": "/a/./b",
  "a dot-dot segment": "/../b",
  "a dot-dot segment at the end": "/a/..",
  "an escaped dot-dot segment": "/a/%2e%2E/b",
  "a half-escaped one": "/a/.%2e?x",
  "a quote": '/"',
  "no string": 7,
  "too long": `/${"a".repeat(8192)}`,
};

describe("checkPath", () => {
  it.each(good)("lets %s pass", (path) => {
    expect(() => checkPath(path)).not.toThrow();
  });

  it.each(Object.entries(bad))("refuses %s", (_, path) => {
    expect(() => checkPath(path as string)).toThrow(
      expect.objectContaining({ code: "invalid_path", phase: "prepare" }),
    );
  });

  it("says what to do", () => {
    expect(() => checkPath("http://evil/")).toThrow(/give the path alone/);
    expect(() => checkPath("x")).toThrow(/start with/);
    expect(() => checkPath("/%")).toThrow(/hexadecimal/);
    expect(() => checkPath("/a/..")).toThrow(/segment/);
    expect(() => checkPath("/a b")).toThrow(/percent-encoded/);
  });
});
