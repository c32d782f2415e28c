import { Buffer } from "node:buffer";

// Cc: C0, DEL and C1 controls. Cf: bidi controls, zero-width and other invisible marks. Cs: lone surrogates.
// Line and paragraph separators end a line in terminals and in JavaScript alike.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const unprintableRuns = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu;

/** The longest string that is taken from a device, in UTF-16 code units. */
export const maxDeviceString = 256;
/** The most of a device's answer that an error keeps, in bytes. */
const maxExcerpt = 1024;

/** Whether `text` may be stored and shown as it is: not empty, bounded, and nothing that steers a terminal or a page. */
export function isPrintable(text: string): boolean {
  return text.length > 0 && text.length <= maxDeviceString && !unprintable.test(text);
}

/** At most 1 KiB of a body as text, every run of control and invisible characters made one space. */
export function excerpt(body: Uint8Array): string | undefined {
  if (body.byteLength === 0) return undefined;
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, maxExcerpt)).toString("utf8");
  return text.replace(unprintableRuns, " ").trim() || undefined;
}

const plainHeaderValue = /^[\x21-\x24\x26-\x7e]+$/;

/**
 * `text` as a header value: visible ASCII as it is, everything else (and `%`) percent-encoded as UTF-8, so that no
 * name of a device can end a header line and `decodeURIComponent` gives the name back. `undefined` for no text.
 */
export function headerValue(text: string): string {
  return plainHeaderValue.test(text) ? text : encodeURIComponent(text.toWellFormed());
}
