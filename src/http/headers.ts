import { FlashwaveError } from "../core/errors.ts";
import type { HeaderBlock } from "../core/transport.ts";

/** RFC 9110 §5.1, §5.6.2, lower case. */
const token = /^[!#$%&'*+\-.^_`|~\da-z]+$/;

/** RFC 9110 §5.5: visible characters, inner spaces and tabs, obs-text. Nothing that could end the line. */
const fieldValue = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/**
 * What decides how the message is framed and where it goes (RFC 9110 §7.2, §7.6.1, §8.6, §10.1.1; RFC 9112 §6): the
 * transport's own business. `expect` also makes undici throw on HTTP/1.1.
 */
const reserved: ReadonlySet<string> = new Set([
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
]);

/** Frozen blocks that passed. A block that can still change is checked every time. */
const passed = new WeakSet<HeaderBlock>();

/**
 * Checks that a header block can be sent exactly as given. A frozen block is checked once.
 * @throws `invalid_header`
 */
export function checkHeaders(block: HeaderBlock): void {
  if (passed.has(block)) return;
  if (!Array.isArray(block) || block.length % 2 !== 0) {
    throw invalid("A header block is a flat row of names and values, each name with its value.");
  }
  for (let i = 0; i < block.length; i += 2) checkHeader(block[i], block[i + 1]);
  if (Object.isFrozen(block)) passed.add(block);
}

function checkHeader(name: unknown, value: unknown): void {
  if (typeof name !== "string" || !token.test(name)) {
    const shown = JSON.stringify(String(name).slice(0, 64));
    throw invalid(`${shown} is not a header name: use lower-case letters, digits and "-" (RFC 9110 §5.1).`);
  }
  if (reserved.has(name)) throw invalid(`The header "${name}" is set by the transport; leave it out.`);
  if (typeof value !== "string" || !fieldValue.test(value)) {
    throw invalid(
      `The value of the header "${name}" cannot be sent: it must be a string without line breaks, control characters, ` +
        "outer spaces or characters beyond Latin-1 (RFC 9110 §5.5).",
    );
  }
}

function invalid(message: string): FlashwaveError {
  return new FlashwaveError("invalid_header", message, { phase: "prepare" });
}
