import { combinePaces } from "../../bytes/index.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { Payload } from "../../core/payload.ts";
import type { Publication, PublicationProgress, PublishOptions } from "../../core/publication.ts";
import type { Pace } from "../../core/transport.ts";
import { Coverage } from "./coverage.ts";

export interface OfferTerms extends PublishOptions {
  readonly url: string;
  readonly payload: Payload;
  /** The server's own rate limit. */
  readonly shared: Pace | undefined;
  /** Called once, when it has ended. */
  readonly onEnd: () => void;
}

/** One answer with bytes. */
export interface Answering {
  readonly start: number;
  /** Up to here its bytes were handed to the socket, so that they may have left. */
  handed: number;
  /** Where the client went on meanwhile, or afterwards. */
  goneOn: number;
  cut: boolean;
}

/**
 * One publication as the server keeps it.
 *
 * What counts as delivered is what a client can be held to: an answer that it read to its end (it then closes its side
 * in order), and of an answer that was cut, the bytes before the place at which the client goes on.
 *
 *     [0 ─────────── cut at f)   then   Range: n-   (n ≤ f)   ⇒   [0, n) was delivered; of [n, f) nobody knows
 */
export class Offer implements Publication {
  readonly url: string;
  readonly payload: Payload;
  readonly etag: string;
  readonly pace: Pace | undefined;
  readonly fetched: Promise<void>;
  readonly #terms: OfferTerms;
  readonly #ending = new AbortController();
  readonly #left: Coverage;
  readonly #delivered: Coverage;
  /** Answers that are open, and those that were cut. */
  readonly #answers = new Set<Answering>();
  #requests = 0;
  #open = 0;
  #bytes = 0;
  #held = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(terms: OfferTerms) {
    const { artifact } = terms.payload;
    this.#terms = terms;
    this.url = terms.url;
    this.payload = terms.payload;
    this.etag = `"${artifact.digest}"`;
    this.pace = combinePaces(terms.shared, terms.pace);
    this.#left = new Coverage(artifact.length);
    this.#delivered = new Coverage(artifact.length);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.fetched = promise;
    this.#settle = { resolve, reject };
    // Whoever does not wait for it is not to be told of its end as an unhandled rejection.
    promise.catch(() => undefined);
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  /** Aborts when the publication ends. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  progress(): PublicationProgress {
    const { bytes: covered } = this.#left;
    return { requests: this.#requests, open: this.#open, bytes: this.#bytes, covered, held: this.#held };
  }

  /** Counts a request in, unless there are too many. The function it returns counts it out, once. */
  enter(limits: { readonly requests: number; readonly concurrent: number }): (() => void) | "many" | "often" {
    if (this.#requests >= limits.requests) return "often";
    if (this.#open >= limits.concurrent) return "many";
    this.#requests++;
    this.#open++;
    let inside = true;
    return () => {
      if (inside) this.#open--;
      inside = false;
    };
  }

  /**
   * An answer from `start` on begins: whoever goes on at a place has what lies before it. The end of the answer that it
   * had it from may be noticed later than this.
   */
  begins(start: number): Answering {
    for (const earlier of this.#answers) {
      if (earlier.start < start && start <= earlier.handed) earlier.goneOn = Math.max(earlier.goneOn, start);
      if (earlier.cut) this.#delivered.add(earlier.start, earlier.goneOn);
    }
    const answering = { start, handed: start, goneOn: start, cut: false };
    this.#answers.add(answering);
    return answering;
  }

  /** Byte `at` is about to leave: from now on nobody can say that nothing has. */
  leaves(at: number): void {
    this.#left.add(at, at + 1);
  }

  /** Bytes `[start, end)` have left. */
  left(start: number, end: number): void {
    this.#bytes += end - start;
    this.#left.add(start, end);
    this.#terms.onSent?.(this.#left.bytes);
  }

  held(ms: number): void {
    this.#held += ms;
  }

  /** An answer has ended. `whole`: the client read it to its end. */
  ended(answering: Answering, whole: boolean): void {
    const { start, handed, goneOn } = answering;
    answering.cut = !whole;
    if (whole) this.#answers.delete(answering);
    this.#delivered.add(start, whole ? handed : goneOn);
    if (this.#delivered.complete) this.#settle.resolve();
  }

  /** The bytes cannot be given: nothing of this publication may be completed any more. */
  fail(error: unknown): void {
    this.#settle.reject(error);
    this.end();
  }

  end(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#terms.onEnd();
    this.#settle.reject(
      new FlashwaveError("client_closed", "The publication ended before all of it had been fetched. Publish it anew.", {
        phase: "send",
        bytesOut: this.#left.complete ? "all" : this.#left.bytes > 0 ? "some" : "none",
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }
}
