import { describe, expect, it } from "vitest";
import { checkHeaders } from "./headers.ts";

const refused = expect.objectContaining({ code: "invalid_header", phase: "prepare", bytesOut: "none" });

describe("checkHeaders", () => {
  it.each([
    [[]],
    [["content-type", "text/plain"]],
    [["x-empty", ""]],
    [["x-inner", "a b\tc"]],
    [["x-latin", "caf\xe9"]],
    [["x!#$%&'*+-.^_`|~0", "1"]],
  ])("lets %j pass", (block) => {
    expect(() => checkHeaders(block)).not.toThrow();
  });

  it.each([
    ["a name without a value", ["x"]],
    ["an upper-case name", ["X-Name", "1"]],
    ["an empty name", ["", "1"]],
    ["a name with a space", ["x y", "1"]],
    ["a name with a colon", ["x:", "1"]],
    ["a name with a line break", ["x\r\ny", "1"]],
    ["a line break in a value", ["x", "1\r\nevil: 1"]],
    ["a bare line feed", ["x", "1\n2"]],
    ["a bare carriage return", ["x", "1\r2"]],
    ["NUL", ["x", "\0"]],
    ["DEL", ["x", "\x7f"]],
    ["a leading space", ["x", " 1"]],
    ["a trailing tab", ["x", "1\t"]],
    ["a character beyond Latin-1", ["x", "☃"]],
    ["a value that is no string", ["x", 1]],
    ["a name that is no string", [1, "x"]],
    ["a list as a value", ["x", ["1", "2"]]],
    ["no list", { x: "1" }],
  ])("refuses %s", (_, block) => {
    expect(() => checkHeaders(block as string[])).toThrow(refused);
  });

  it.each([
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ])("keeps %s to the transport", (name) => {
    expect(() => checkHeaders([name, "1"])).toThrow(refused);
  });

  it("never repeats a value in its message", () => {
    expect(() => checkHeaders(["authorization", "secret-canary\n"])).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("secret-canary") }),
    );
  });

  it("reads a frozen block once, and one that can still change every time", () => {
    let reads = 0;
    const watched = (block: string[]) =>
      new Proxy(block, {
        get(object, key) {
          reads++;
          return Reflect.get(object, key);
        },
      });
    const frozen = watched(Object.freeze(["x-a", "1"]) as string[]);
    checkHeaders(frozen);
    const once = reads;
    expect(once).toBeGreaterThan(0);
    checkHeaders(frozen);
    expect(reads).toBe(once);
    const open = watched(["x-a", "1"]);
    checkHeaders(open);
    open[1] = "a\nb";
    expect(() => checkHeaders(open)).toThrow(refused);
  });
});
