import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { multipart, type Part } from "./multipart.ts";

const joined = ({ segments }: ReturnType<typeof multipart>) => Buffer.concat(segments as readonly Uint8Array[]);
const boundaryOf = ({ contentType }: ReturnType<typeof multipart>) => contentType.split("boundary=")[1] ?? "";

/** Node's own parser as the witness. */
function parsed(body: ReturnType<typeof multipart>): Promise<FormData> {
  return new Response(joined(body), { headers: { "content-type": body.contentType } }).formData();
}

describe("multipart", () => {
  it("writes each byte where RFC 7578 has it", () => {
    const body = multipart([
      { name: "json", contentType: "application/json", body: Buffer.from("{}") },
      { name: "file", filename: "fw.bin", contentType: "application/octet-stream", body: Buffer.from([0, 13, 10]) },
    ]);
    const boundary = boundaryOf(body);
    expect(joined(body).toString("latin1").replaceAll(boundary, "B")).toBe(
      '--B\r\nContent-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n{}\r\n' +
        '--B\r\nContent-Disposition: form-data; name="file"; filename="fw.bin"\r\n' +
        "Content-Type: application/octet-stream\r\n\r\n\0\r\n\r\n--B--\r\n",
    );
  });

  it("keeps chunks as they are and counts them", () => {
    const chunks = { length: 5, async *[Symbol.asyncIterator]() {} };
    const body = multipart([{ name: "file", body: chunks }]);
    expect(body.segments[1]).toBe(chunks);
    expect(body.length).toBe(5 + (body.segments[0]?.length ?? 0) + (body.segments[2]?.length ?? 0));
  });

  it("is read back as it was by another parser, whatever bytes and names", async () => {
    const part: fc.Arbitrary<Part> = fc.record({
      name: fc.string({ minLength: 1 }),
      filename: fc.string({ minLength: 1 }),
      body: fc.uint8Array(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
        const body = multipart(parts);
        expect(joined(body).length).toBe(body.length);
        const read = [...(await parsed(body)).values()];
        expect(read).toHaveLength(parts.length);
        for (const [at, file] of read.entries()) {
          if (typeof file === "string") throw new TypeError("a file was read as text");
          expect(new Uint8Array(await file.arrayBuffer())).toEqual(new Uint8Array(parts[at]?.body as Uint8Array));
        }
      }),
    );
  });

  it("lets no name end its line or its quotes", () => {
    const body = multipart([{ name: 'a"\r\nX: y', filename: "\0", body: Buffer.alloc(0) }]);
    expect(joined(body).toString()).toContain('name="a%22%0D%0AX: y"; filename="%00"\r\n\r\n');
  });

  it("takes a new boundary of at least 24 characters each time", () => {
    const [first, second] = [boundaryOf(multipart([])), boundaryOf(multipart([]))];
    expect(first).not.toBe(second);
    expect(first.length).toBeGreaterThanOrEqual(24);
  });
});
