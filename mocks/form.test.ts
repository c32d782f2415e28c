import { describe, expect, it } from "vitest";
import { boundaryOf, FormReader, MalformedForm } from "./form.ts";

const part = (name: string, body: string) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${body}`;
const form = `--xyz\r\n${part("a", "one")}\r\n--xyz\r\n${part("b", "two\r\n--xy\r\n-xyz")}\r\n--xyz--\r\n`;

/** The parts of a form that comes `step` bytes at a time. */
function read(text: string, step: number): string[][] {
  const parts: string[][] = [];
  const reader = new FormReader("xyz", {
    onPart: (head) => parts.push([head.join("|"), ""]),
    onBytes: (chunk) => {
      const last = parts.at(-1);
      if (last) last[1] += chunk.toString("latin1");
    },
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.subarray(at, at + step));
  reader.end();
  return parts;
}

describe("a form", () => {
  it.each([1, 2, 3, 7, 10_000])("is read the same, %d bytes at a time", (step) => {
    expect(read(form, step)).toEqual([
      ['Content-Disposition: form-data; name="a"', "one"],
      ['Content-Disposition: form-data; name="b"', "two\r\n--xy\r\n-xyz"],
    ]);
  });

  it.each([
    ["a preamble", `hello\r\n${form}`],
    ["an epilogue", `${form}bye`],
    ["no end", form.slice(0, -8)],
    ["an end without its line end", form.slice(0, -2)],
    ["another boundary", form.replaceAll("xyz", "abc")],
    ["bare line feeds", form.replaceAll("\r\n", "\n")],
    ["a head without end", `--xyz\r\n${"x".repeat(9_000)}`],
    ["text behind a delimiter", form.replace("--xyz\r\n", "--xyz \r\n")],
    ["nothing", ""],
  ])("with %s is none", (_, text) => {
    expect(() => read(text, 5)).toThrow(MalformedForm);
  });

  it("names its boundary", () => {
    expect(boundaryOf("multipart/form-data; boundary=abc-1")).toBe("abc-1");
    expect(boundaryOf('Multipart/Form-Data;boundary="a b"')).toBe("a b");
    for (const other of [undefined, "text/plain", "multipart/form-data", "multipart/mixed; boundary=a"]) {
      expect(boundaryOf(other)).toBeUndefined();
    }
  });
});
