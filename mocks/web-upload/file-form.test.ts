import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { RequestHead } from "../records.ts";
import { FileForm } from "./file-form.ts";

const head = (type: string, length = "1"): RequestHead => ({
  method: "POST",
  path: "/",
  httpVersion: "1.1",
  headers: { "content-type": type, "content-length": length },
  rawHeaders: [],
});
const type = "multipart/form-data; boundary=b0undary";
const disposition = (rest: string) => `Content-Disposition: form-data; ${rest}\r\n`;
const part = (heading: string, body: string) => `--b0undary\r\n${heading}\r\n${body}\r\n`;
const end = "--b0undary--\r\n";

function read(body: Buffer, size = body.length) {
  const reader = new FileForm(head(type));
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size)
    pieces.push(...reader.write(body.subarray(at, at + size)).map((p) => Buffer.from(p)));
  return { form: reader.end(), file: Buffer.concat(pieces) };
}

/** Everything that could be taken for a boundary, and is none. */
const bytes = Buffer.from("\r\n--b0undar\r\n--\r\n--b0undarz\r\n\r\n--", "latin1");
const whole = Buffer.concat([
  Buffer.from(
    part(disposition('name="ttl"'), "30") + part(`${disposition('name="j"')}Content-Type: application/json\r\n`, "{}"),
  ),
  Buffer.from(
    `--b0undary\r\n${disposition('name="f"; filename="a.bin"')}Content-Type: application/octet-stream\r\n\r\n`,
  ),
  bytes,
  Buffer.from(`\r\n${end}`),
]);

describe("the fakes' file form", () => {
  it.each([1, 2, 3, 7, 64, 4_096])("finds parts and file in pieces of %d bytes", (size) => {
    const { form, file } = read(whole, size);
    expect(form.problem).toBeUndefined();
    expect({ ...form.fields }).toEqual({ ttl: "30", j: "{}" });
    expect(form.parts).toEqual([
      { name: "ttl" },
      { name: "j", contentType: "application/json" },
      { name: "f", filename: "a.bin", contentType: "application/octet-stream" },
    ]);
    expect(form.md5).toBe(createHash("md5").update(bytes).digest("hex"));
    expect(file.equals(bytes)).toBe(true);
  });

  const file = part(disposition('name="f"; filename="a"'), "x");
  it.each([
    ["a preamble", `\r\n${file}${end}`],
    ["an epilogue", `${file}${end}more`],
    ["no line end at the end", `${file}${end}`.slice(0, -2)],
    ["no closing boundary", file],
    ["half of it", `${file}${end}`.slice(0, 30)],
    ["two files", `${file}${file}${end}`],
    ["two spaces", `${part('Content-Disposition:  form-data; name="f"\r\n', "x")}${end}`],
    ["no name", `${part("Content-Disposition: form-data\r\n", "x")}${end}`],
    ["another header", `${part(`${disposition('name="f"')}Content-Transfer-Encoding: binary\r\n`, "x")}${end}`],
    ["something behind a boundary", `${file}--b0undary!\r\n`],
    ["a field without end", `--b0undary\r\n${disposition('name="f"')}\r\n${"x".repeat(70_000)}`],
    ["a head without end", `--b0undary\r\n${"x".repeat(5_000)}`],
  ])("does not take %s", (_, body) => {
    expect(read(Buffer.from(body)).form.problem).toEqual(expect.any(String));
  });

  it("does not take another type, or a length that is not told", () => {
    expect(new FileForm(head("application/octet-stream")).end().problem).toContain("multipart");
    const { headers, ...rest } = head(type);
    const { "content-length": _, ...others } = headers;
    expect(new FileForm({ ...rest, headers: others }).end().problem).toContain("length");
  });
});
