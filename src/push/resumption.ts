import type { ResumeToken } from "../core/delivery.ts";
import type { FlashwaveError } from "../core/errors.ts";
import { interruptions } from "./outcomes.ts";
import type { Decision } from "./retry-policy.ts";

/**
 * What a push remembers of a send that can go on where it broke. Only a resumable delivery's push has one.
 *
 *     send ──fault──► ask: the next send begins with the device's offset
 *       ▲               ├─ further than before ─► the count of attempts starts again, go on
 *       │               ├─ not further ─────────► go on, or the fault when it was the last attempt
 *       └───────────────└─ upload_gone ─────────► the token is void: read the device first if it may have had all bytes
 */
export class Resumption {
  readonly #length: number;
  readonly #tell: ((token: ResumeToken) => void | Promise<void>) | undefined;
  #token: ResumeToken | undefined;
  /** Nobody knows yet how far the device got: the next send asks. */
  #open: boolean;
  /** The fault that stands unless the device turns out to have got further. */
  #standing: FlashwaveError | undefined;
  #settled = false;
  /** The offset from which an advance is counted, and the attempt that the count starts after. */
  #reached: number;
  #base = 0;

  /** @param token what the caller kept of an earlier call, perhaps in another process: it may have sent everything */
  constructor(
    length: number,
    token: ResumeToken | undefined,
    tell: ((token: ResumeToken) => void | Promise<void>) | undefined,
  ) {
    this.#length = length;
    this.#token = token;
    this.#tell = tell;
    this.#open = token !== undefined;
    this.#reached = token?.offset ?? 0;
  }

  get token(): ResumeToken | undefined {
    return this.#token;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Whether the last attempt's fault stood: the device was asked, and had got no further. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Attempts since the last that got the device further, this one included. */
  tries(attempt: number): number {
    return attempt - this.#base;
  }

  /** The device confirmed an offset. Throws the standing fault when that settles it, or what the caller's callback throws. */
  async keep(token: ResumeToken, attempt: number): Promise<void> {
    const earlier = this.#open;
    this.#token = token;
    this.#open = false;
    if (this.#advanced(token.offset)) {
      this.#reached = token.offset;
      // What a resumed send is told first is what the attempt before it came to.
      this.#base = earlier ? attempt - 1 : attempt;
    } else if (this.#standing !== undefined) {
      this.#settled = true;
      throw this.#standing;
    }
    this.#standing = undefined;
    await this.#tell?.(token);
  }

  /** A thousandth of the artifact is an advance; less is not, so that a device that creeps ends all the same. */
  #advanced(offset: number): boolean {
    return offset > this.#reached && offset - this.#reached >= this.#length / 1_000;
  }

  /**
   * The retry policy's decision in the light of what can be resumed.
   * @param wholly whether the device may have all bytes
   */
  decide(error: FlashwaveError, usual: Decision, wholly: boolean): Decision {
    if (interruptions.has(error.code)) return usual;
    const unanswered = this.#open && wholly;
    if (error.code === "upload_gone") {
      this.#token = undefined;
      this.#open = false;
      return unanswered ? { next: "read" } : { next: "retry" };
    }
    // The question whether it has all bytes is still open: this fault does not close it, reading does.
    if (unanswered && usual.next === "give-up") return { next: "read" };
    // No byte of the artifact left, so there is nothing to read back.
    if (usual.next === "read" && error.bytesOut === "none" && !wholly) return { next: "retry" };
    return usual;
  }

  /** Leaves it to the next send to ask; false when there is nothing to ask, or the last one asked in vain. */
  ask(fault: FlashwaveError, last: boolean): boolean {
    if (this.#token === undefined || this.#standing !== undefined) return false;
    this.#open = true;
    if (last) this.#standing = fault;
    return true;
  }
}
