import { expect } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { FlashwaveError, type FlashwaveErrorCode } from "../../src/core/errors.ts";
import type { Segment } from "../../src/core/payload.ts";
import type {
  ChannelRequest,
  DeviceChannel,
  ExchangeReply,
  ExchangeRequest,
  Transport,
} from "../../src/core/transport.ts";
import { checkHeaders } from "../../src/http/headers.ts";
import { checkMethod } from "../../src/http/method.ts";
import { checkPath } from "../../src/http/path.ts";
import { RawReplyHeaders } from "../../src/http/reply-headers.ts";

/** What a device says next: an answer, or a fault on the way. */
export type Saying =
  | { readonly status: number; readonly headers: readonly string[]; readonly body: Uint8Array; readonly whole: boolean }
  | { readonly fault: FlashwaveErrorCode };

/** Time that passes only by being waited for, all at once. */
export function hastyClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    wall: () => 1_767_225_600_000 + now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      now += ms;
    },
    every: () => () => undefined,
  };
}

/** More questions than any work on one device needs: beyond them it would go on without end. */
const mostQuestions = 1_000;

/** A device that says anything at all, one saying after the other and the last one for ever. It looks at what it is asked. */
export class Liar implements Transport {
  readonly #sayings: readonly Saying[];
  readonly #messages: readonly string[];
  readonly #clock: Clock;
  readonly #origin: string;
  asked = 0;

  constructor(origin: string, sayings: readonly Saying[], messages: readonly string[], clock: Clock) {
    this.#origin = origin;
    this.#sayings = sayings;
    this.#messages = messages;
    this.#clock = clock;
  }

  origin(address: string): string {
    return address;
  }

  async exchange<T = ExchangeReply>(
    origin: string,
    request: ExchangeRequest,
    read?: (reply: ExchangeReply) => T,
  ): Promise<T> {
    this.#look(origin, request.path, request.headers);
    checkMethod(request.method);
    const length = await taken(request.body);
    if (length !== undefined) request.onSent?.(length);
    const saying = this.#next();
    await this.#clock.sleep(50);
    if ("fault" in saying)
      throw new FlashwaveError(saying.fault, "It broke.", { phase: request.phase, retryable: true, bytesOut: "some" });
    const { status, headers, body, whole } = saying;
    const reply: ExchangeReply = {
      status,
      headers: rows(headers),
      body,
      sent: whole ? "all" : "partial",
      peer: "none",
    };
    return read === undefined ? (reply as T) : read(reply);
  }

  async channel(origin: string, request: ChannelRequest): Promise<DeviceChannel | ExchangeReply> {
    this.#look(origin, request.path, request.headers);
    const saying = this.#next();
    if ("fault" in saying)
      throw new FlashwaveError(saying.fault, "It broke.", { phase: request.phase, retryable: true });
    const { status, headers, body } = saying;
    if (status >= 300) return { status, headers: rows(headers), body, sent: "all", peer: "none" };
    const closed = Promise.withResolvers<FlashwaveError | undefined>();
    void this.#talk(request).then(closed.resolve);
    return { peer: "none", closed: closed.promise, close: () => closed.resolve(undefined) };
  }

  release(): void {}

  statistics(): ReturnType<Transport["statistics"]> {
    return { connections: 0, inFlight: 0, opened: this.asked, reused: 0, evicted: 0, failed: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Some of it is heard while a request is under way, some after it. */
  async #talk({ onText, phase }: ChannelRequest): Promise<FlashwaveError> {
    for (const message of this.#messages) {
      await new Promise((resolve) => setImmediate(resolve));
      onText(message);
    }
    return new FlashwaveError("connection_lost", "It went away.", { phase });
  }

  #look(origin: string, path: string, headers: ExchangeRequest["headers"] = []): void {
    if (++this.asked > mostQuestions) throw new Error("it asks without end");
    expect(origin).toBe(this.#origin);
    checkPath(path);
    checkHeaders(headers);
  }

  #next(): Saying {
    const saying = this.#sayings[Math.min(this.asked, this.#sayings.length) - 1];
    if (saying === undefined) throw new Error("a device says something");
    return saying;
  }
}

const rows = (headers: readonly string[]): RawReplyHeaders =>
  new RawReplyHeaders(headers.map((part) => Buffer.from(part, "latin1")));

async function taken(body: Segment | readonly Segment[] | undefined): Promise<number | undefined> {
  if (body === undefined) return undefined;
  let length = 0;
  for (const segment of Array.isArray(body) ? (body as readonly Segment[]) : [body as Segment]) {
    if (segment instanceof Uint8Array) length += segment.length;
    else for await (const chunk of segment) length += chunk.length;
  }
  return length;
}
