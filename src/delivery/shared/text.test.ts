import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excerpt, headerValue, isPrintable, maxDeviceString } from "./text.ts";

const steering = [
  "\0",
  "\x1b[2J",
  "\r\n",
  "\x7f",
  "\u009b31m",
  "\u202e",
  "\u2066",
  "\u200b",
  "\ufeff",
  "\u2028",
  "\ud800",
];

describe("isPrintable", () => {
  it.each(["2.4.0", "Küche 3", "版本", "a".repeat(maxDeviceString)])("takes %j", (text) => {
    expect(isPrintable(text)).toBe(true);
  });

  it.each(["", "a".repeat(maxDeviceString + 1), ...steering.map((mark) => `2.4${mark}0`)])("rejects %j", (text) => {
    expect(isPrintable(text)).toBe(false);
  });
});

describe("excerpt", () => {
  it("keeps at most 1 KiB and nothing that steers a terminal", () => {
    expect(excerpt(Buffer.from("x".repeat(5000)))).toHaveLength(1024);
    expect(excerpt(Buffer.from(`no${steering.slice(0, 4).join("")}space\nleft`))).toBe("no [2J space left");
  });

  it("is nothing for an empty or an invisible body", () => {
    expect(excerpt(new Uint8Array())).toBeUndefined();
    expect(excerpt(Buffer.from("\r\n\t"))).toBeUndefined();
  });

  it("reads a view where it lies, not the memory around it", () => {
    expect(excerpt(Buffer.from("secret-visible").subarray(7))).toBe("visible");
  });
});

describe("headerValue", () => {
  it("is visible ASCII for any text, and gives well-formed text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        const value = headerValue(text);
        expect(value).toMatch(/^[\x21-\x7e]+$/);
        expect(decodeURIComponent(value)).toBe(text.toWellFormed());
      }),
    );
  });

  it("does not throw on half a surrogate pair", () => {
    expect(headerValue("a\ud83d")).toBe("a%EF%BF%BD");
  });

  it("leaves what needs no encoding as it is", () => {
    expect(headerValue("urn:dev:mac:0024befffe804ff1")).toBe("urn:dev:mac:0024befffe804ff1");
  });
});
