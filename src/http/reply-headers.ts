import type { ReplyHeaders } from "../core/transport.ts";
import { InternTable, same } from "./intern.ts";

const names = new InternTable();
const values = new InternTable();

/**
 * Response headers over the raw bytes, as undici's parser cut them: name, value, name, value. Nothing is decoded
 * until it is asked for, and then short names and values come from a table shared by all answers.
 */
export class RawReplyHeaders implements ReplyHeaders {
  readonly #raw: readonly Uint8Array[];

  constructor(raw: readonly Uint8Array[]) {
    this.#raw = raw;
  }

  get(name: string): string | undefined {
    const raw = this.#raw;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (same(name, raw[i] as Uint8Array, true)) return values.get(raw[i + 1] as Uint8Array, false);
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string], void> {
    const raw = this.#raw;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      yield [names.get(raw[i] as Uint8Array, true), values.get(raw[i + 1] as Uint8Array, false)];
    }
  }
}

/** What undici hands over as raw headers: buffers from a socket, strings from an interceptor that answers without one. */
export function replyHeaders(raw: unknown): ReplyHeaders {
  if (!Array.isArray(raw)) return new RawReplyHeaders([]);
  if (raw.length === 0 || raw[0] instanceof Uint8Array) return new RawReplyHeaders(raw);
  return new RawReplyHeaders(raw.map((part) => Buffer.from(String(part), "latin1")));
}
