import { describe, expect, it } from "vitest";
import { boundaryOf, FormReader, MalformedForm } from "./form.ts";

const part = (name: string, body: string) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${body}`;
const form = `--xyz\r\n${part("a", "one")}\r\n--xyz\r\n${part("b", "two\r\n--xy\r\n-xyz")}\r\n--xyz--\r\n`;

/** The parts of a form that comes `step` bytes at a time. */
function read(text: string, step: number): string[][] {
  const parts: string[][] = [];
  const reader = new FormReader("xyz", {
    onPart: (headers) => parts.push([headers["content-disposition"] ?? "", ""]),
    onBytes: (chunk) => {
      const last = parts.at(-1);
      if (last) last[1] += chunk.toString("latin1");
    },
    onPartEnd: () => parts.at(-1)?.push("end"),
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.subarray(at, at + step));
  reader.end();
  return parts;
}

describe("a form", () => {
  it.each([1, 2, 3, 7, 10_000])("is read the same, %d bytes at a time", (step) => {
    expect(read(form, step)).toEqual([
      ['form-data; name="a"', "one", "end"],
      ['form-data; name="b"', "two\r\n--xy\r\n-xyz", "end"],
    ]);
  });

  it.each([
    ["a preamble", `hello\r\n${form}`],
    ["an epilogue", `${form}bye`],
    ["no end", form.slice(0, -8)],
    ["an end without its line end", form.slice(0, -2)],
    ["another boundary", form.replaceAll("xyz", "abc")],
    ["bare line feeds", form.replaceAll("\r\n", "\n")],
    ["a header that is none", form.replace("Content-Disposition:", "Content Disposition:")],
    ["two spaces before a value", form.replace(": form-data", ":  \u0007form-data")],
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
