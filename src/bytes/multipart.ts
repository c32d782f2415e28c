import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { Segment } from "../core/payload.ts";

/** One part of a multipart/form-data body (RFC 7578 §4). */
export interface Part {
  readonly name: string;
  /** Some devices take a part for a file only if it has one, others only if it has none. */
  readonly filename?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body: Segment;
}

export interface Multipart {
  /** The value of `content-type`, boundary included. */
  readonly contentType: string;
  readonly segments: readonly Segment[];
  /** Of the whole body, which `content-length` then says. */
  readonly length: number;
}

/**
 * Lays parts out as one body whose length is known before its first byte. Nothing follows the closing boundary but its
 * line end: small parsers on devices take more for a part of their own.
 *
 *     --boundary␍␊ headers ␍␊␍␊ part ␍␊--boundary␍␊ … part ␍␊--boundary--␍␊
 */
export function multipart(parts: readonly Part[]): Multipart {
  // 144 random bits: some devices look for the boundary anywhere in the bytes, so it must not occur by chance.
  const boundary = `flashwave-${randomBytes(18).toString("hex")}`;
  const segments: Segment[] = [];
  let before = "";
  for (const part of parts) {
    segments.push(Buffer.from(`${before}--${boundary}\r\n${headersOf(part)}\r\n`), part.body);
    before = "\r\n";
  }
  segments.push(Buffer.from(`${before}--${boundary}--\r\n`));
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    segments,
    length: segments.reduce((sum, segment) => sum + segment.length, 0),
  };
}

function headersOf({ name, filename, contentType }: Part): string {
  const file = filename === undefined ? "" : `; filename="${quotable(filename)}"`;
  const type = contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`;
  return `Content-Disposition: form-data; name="${quotable(name)}"${file}\r\n${type}`;
}

/** As browsers write it (WHATWG HTML, multipart/form-data encoding): what would end the text or the line is percent-encoded. */
function quotable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('"', "%22")
    .replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A")
    .replaceAll("\0", "%00");
}
