import { FlashwaveError, isFlashwaveError } from "../core/errors.ts";
import type { Chunks, Segment } from "../core/payload.ts";
import type { Pace } from "../core/transport.ts";
import type { SentMeter } from "./sent.ts";

/** Up to this size a body goes to the socket as one buffer; undici's high-water mark, below which pooled memory may not be reused. */
const directLimit = 65_536;
/**
 * Resident bytes beyond it are handed over in slices, so that progress can be told over TLS, too. Smaller ones
 * cost more, larger ones gained nothing that showed.
 */
const sliceLength = 524_288;
/**
 * Under a pace everything leaves in slices of this, and of less than twice as much at the end of a chunk: a mebibyte at
 * once would fill a slow line for seconds, and is what a cut throws away. Less than `directLimit` may not be cut off a
 * source's chunk: it asks for the next before the socket has let go of it.
 */
const pacedLength = directLimit;

/** What a request's body comes to: its length, and one buffer where it is small and known. */
export interface BodyPlan {
  readonly total: number;
  readonly direct: Uint8Array | undefined;
  readonly segments: readonly Segment[];
}

const nothing: BodyPlan = Object.freeze({ total: 0, direct: undefined, segments: [] });

export function planBody(body: Segment | readonly Segment[] | undefined, paced: boolean): BodyPlan {
  if (body === undefined) return nothing;
  if (body instanceof Uint8Array && body.length <= directLimit && !paced) {
    return { total: body.length, direct: body, segments: [] };
  }
  const segments = Array.isArray(body) ? (body as readonly Segment[]) : [body as Segment];
  let total = 0;
  for (const segment of segments) total += segment.length;
  if (total > directLimit || paced || !segments.every((segment) => segment instanceof Uint8Array)) {
    return { total, direct: undefined, segments };
  }
  return { total, direct: Buffer.concat(segments), segments: [] };
}

export function lengthAdded(headers: readonly string[] = [], total: number): readonly string[] {
  return [...headers, "content-length", String(total)];
}

/** What a body in motion tells and asks. */
export interface BodyHost {
  /** The socket accepted this many bytes in all. */
  accepted(bytes: number): void;
  /** Waiting for the pace is nobody's fault: the wait begins (`now`) or has ended. */
  pacing(waiting: boolean): void;
}

const ended: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The one iterable that undici is given for a body of any shape. It counts what it hands over, keeps to the pace,
 * holds every source to its length, and gives sources back (`return()`) exactly once when the exchange ends early.
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  /** The socket has taken all it was given; the next bytes are the source's or the pace's to come. */
  preparing = false;
  readonly #segments: readonly Segment[];
  readonly #meter: SentMeter;
  readonly #pace: Pace | undefined;
  readonly #host: BodyHost;
  readonly #halt: AbortController | undefined;
  #index = 0;
  #resident: Uint8Array | undefined;
  #source: AsyncIterator<Uint8Array, void> | undefined;
  #left = 0;
  #stopped: Promise<unknown> | undefined;

  constructor(segments: readonly Segment[], meter: SentMeter, pace: Pace | undefined, host: BodyHost) {
    this.#segments = segments;
    this.#meter = meter;
    this.#pace = pace;
    this.#host = host;
    this.#halt = pace === undefined ? undefined : new AbortController();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#stopped !== undefined) return ended;
    this.preparing = true;
    this.#host.accepted(this.#meter.queued);
    const chunk = await this.#take();
    if (chunk === undefined || this.#stopped !== undefined) return ended;
    if (this.#pace !== undefined) await this.#keepPace(this.#pace, chunk.length);
    if (this.#stopped !== undefined) return ended;
    this.preparing = false;
    return { done: false, value: chunk };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.stop();
    return ended;
  }

  /**
   * Ends the body: nothing more is handed over, a wait for the pace ends at once, and the open source is told.
   * Call it after the socket was destroyed: a source may hand out its memory again as soon as it is told.
   */
  stop(): Promise<unknown> {
    if (this.#stopped === undefined) {
      this.#halt?.abort();
      this.#stopped = Promise.resolve(this.#source?.return?.()).catch(() => undefined);
    }
    return this.#stopped;
  }

  async #take(): Promise<Uint8Array | undefined> {
    while (this.#stopped === undefined) {
      if (this.#resident !== undefined) return this.#slice(this.#resident);
      if (this.#source !== undefined) {
        const chunk = await this.#read(this.#source);
        if (chunk !== undefined) return this.#pace === undefined ? chunk : this.#slice(chunk);
        continue;
      }
      const segment = this.#segments[this.#index++];
      if (segment === undefined) return undefined;
      if (segment instanceof Uint8Array) this.#resident = segment;
      else this.#open(segment);
    }
    return undefined;
  }

  #slice(bytes: Uint8Array): Uint8Array {
    const paced = this.#pace !== undefined;
    const length = paced ? pacedLength : sliceLength;
    const longest = paced ? 2 * length - 1 : length;
    this.#resident = bytes.length > longest ? bytes.subarray(length) : undefined;
    return bytes.length > longest ? bytes.subarray(0, length) : bytes;
  }

  #open(chunks: Chunks): void {
    this.#left = chunks.length;
    this.#source = chunks[Symbol.asyncIterator]();
  }

  /** One chunk, or nothing once the source has ended at its length. Content-Length is a promise made before the first byte. */
  async #read(source: AsyncIterator<Uint8Array, void>): Promise<Uint8Array | undefined> {
    let result: IteratorResult<Uint8Array, void>;
    try {
      result = await source.next();
    } catch (error) {
      this.#source = undefined;
      throw isFlashwaveError(error) ? error : unreadable("failed", error);
    }
    if (result.done) {
      this.#source = undefined;
      if (this.#left > 0) throw unreadable(`ended ${this.#left} bytes before its length`);
      return undefined;
    }
    this.#left -= result.value.length;
    if (this.#left < 0) throw unreadable("gave more bytes than its length");
    return result.value.length === 0 ? undefined : result.value;
  }

  async #keepPace(pace: Pace, bytes: number): Promise<void> {
    const wait = pace.take(bytes, this.#halt?.signal);
    if (wait === undefined) return;
    this.#host.pacing(true);
    try {
      await wait;
    } finally {
      this.#host.pacing(false);
    }
  }
}

function unreadable(what: string, cause?: unknown): FlashwaveError {
  return new FlashwaveError(
    "artifact_unreadable",
    `The source of a request body ${what}. The connection was closed; check that the artifact is whole and readable.`,
    { phase: "artifact", cause },
  );
}
