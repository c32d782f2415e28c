import { createHash } from "node:crypto";
import type { ResumeToken, SendStep } from "../../core/delivery.ts";
import { type BytesOut, FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ExchangeReply, HeaderBlock } from "../../core/transport.ts";
import { type Bound, exchange, replyContext, requireYes } from "../shared/exchange.ts";
import { requireSuccess } from "../shared/reply.ts";
import type { RequestPlan } from "../shared/request-plan.ts";
import { artifactHeaders, reprDigestOf } from "./headers.ts";
import type { SendPlan } from "./plan.ts";

/** How an artifact is sent in parts, and what is there is looked at. */
export interface PartsPlan {
  /** Bytes of each part but the first. */
  readonly size: number;
  /** HEAD of what is uploaded. */
  readonly look: RequestPlan;
  /** GET of it; only ever of a small range. */
  readonly sample: RequestPlan;
}

/** The first part is small: a server that cannot go on from it is found out before much was sent in vain. */
export const firstPart = 262_144;
const sampleBytes = 16_384;

/** With these a server says that it takes no part of a file (RFC 9110 §14.5; nginx answers 501). */
const cannot: ReadonlySet<number> = new Set([400, 416, 501]);

/**
 * One send by PUT in parts (RFC 9110 §14.5), which a server may also ignore, and then write a part over the whole:
 *
 *     PUT first part, no range ─► HEAD: its length? ─► PUT next, Content-Range ─► HEAD: the sum? ─► … ─► all there
 *                                                            └─ 400, 416, 501 or another length ─► PUT of the whole
 *
 * The first part replaces what was there before, so nothing of an older file can be taken for ours. A part counts once
 * the server was seen to hold all bytes up to its end; after a break it is sent again from its beginning.
 */
export class PartedSend {
  readonly #plan: SendPlan;
  readonly #parts: PartsPlan;
  readonly #bound: Bound;
  readonly #payload: Payload;
  readonly #step: SendStep;
  #reported = 0;

  constructor(plan: SendPlan, parts: PartsPlan, bound: Bound, payload: Payload, step: SendStep) {
    this.#plan = plan;
    this.#parts = parts;
    this.#bound = bound;
    this.#payload = payload;
    this.#step = step;
  }

  async run(): Promise<Acknowledgement> {
    const { length } = this.#payload.artifact;
    let at = await this.#begin();
    for (;;) {
      const end = Math.min(at + (at === 0 ? firstPart : this.#parts.size), length);
      const status = await this.#put(at, end);
      if (cannot.has(status) || !(await this.#holds(end))) return { status: await this.#put(0, length), bytes: length };
      if (end === length) return { status, bytes: length };
      at = end;
      await this.#step.onResumable?.(this.#token(at));
    }
  }

  /** The offset to begin at: that of the token, where what the server holds is seen to be ours. */
  async #begin(): Promise<number> {
    const { resume } = this.#step;
    if (resume === undefined) return 0;
    const { offset, state } = resume;
    if (offset === 0 || state["path"] !== this.#plan.send.path) throw this.#gone();
    const reply = await this.#look("none");
    if (reply.status === 404 || reply.status === 410) throw this.#gone();
    requireSuccess(reply, replyContext(this.#bound, "send"));
    const stored = storedBytes(reply);
    const ours =
      stored !== undefined &&
      stored >= offset &&
      (await this.#same(0, Math.min(sampleBytes, offset))) &&
      (await this.#same(Math.max(0, offset - sampleBytes), offset));
    if (!ours) throw this.#gone();
    this.#report(offset);
    await this.#step.onResumable?.(this.#token(offset));
    return offset;
  }

  /** Sends `[start, end)` and gives the status: of a yes, or of a no to parts. */
  #put(start: number, end: number): Promise<number> {
    const { send, challenge } = this.#plan;
    const { artifact } = this.#payload;
    const whole = start === 0 && end === artifact.length;
    const headers = artifactHeaders(this.#plan, this.#bound.device, artifact, this.#step);
    const range = `bytes ${start}-${end - 1}/${artifact.length}`;
    const sent = whole
      ? headers
      : [...without(headers, "repr-digest"), ...(start === 0 ? [] : ["content-range", range])];
    const step = { ...this.#step, onSent: (bytes: number) => this.#report(start + bytes) };
    const read = (reply: ExchangeReply) => {
      if (start === 0 || !cannot.has(reply.status)) requireYes(reply, send, this.#bound, "send");
      return reply.status;
    };
    const body = this.#payload.slice(start, end);
    const answer = exchange(this.#bound, send, step, "send", read, sent, body, challenge);
    return answer.catch(this.#within(start, end));
  }

  /** Whether the server holds as many bytes as it was sent and, once that is all, the right ones as far as it tells. */
  async #holds(end: number): Promise<boolean> {
    const { artifact } = this.#payload;
    const done = end === artifact.length;
    const reply = await this.#look(done ? "all" : "some");
    if (storedBytes(reply) !== end) return false;
    const told = done ? reply.headers.get("repr-digest") : undefined;
    return told === undefined || !told.includes("sha-256=") || told.includes(reprDigestOf(artifact));
  }

  /** @param bytesOut what had left of the artifact by now, for errors */
  #look(bytesOut: BytesOut): Promise<ExchangeReply> {
    const look = exchange(this.#bound, this.#parts.look, this.#own(), "send", (reply) => reply);
    return look.catch((error: unknown) => {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut }) : error;
    });
  }

  /** Whether a stretch of what the server holds is the artifact's. One that gives no ranges could not be believed. */
  async #same(start: number, end: number): Promise<boolean> {
    const { sample } = this.#parts;
    const headers = [...without(sample.headers, "range"), "range", `bytes=${start}-${end - 1}`];
    try {
      const reply = await exchange(this.#bound, sample, this.#own(), "send", (answer) => answer, headers);
      if (reply.status !== 206 || reply.body.byteLength !== end - start) return false;
      const digest = createHash("sha256").update(reply.body).digest("hex");
      return digest === (await this.#payload.hash("sha256", { start, end }));
    } catch (error) {
      if (isFlashwaveError(error) && error.code === "reply_too_large") return false;
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : error;
    }
  }

  /** A step for what carries nothing of the artifact. */
  #own(): Pick<SendStep, "deadline" | "signal"> {
    const { deadline, signal } = this.#step;
    return { deadline, signal };
  }

  /** Of the artifact, more or less has left than of one part. */
  #within(start: number, end: number): (error: unknown) => never {
    return (error) => {
      if (!isFlashwaveError(error)) throw error;
      const { bytesOut } = error;
      if (bytesOut === "none" && start > 0) throw inContext(error, { bytesOut: "some" });
      if (bytesOut === "all" && end < this.#payload.artifact.length) throw inContext(error, { bytesOut: "some" });
      throw error;
    };
  }

  /** The whole is sent again where a server takes no parts: what was counted is not counted back. */
  #report(sent: number): void {
    if (sent <= this.#reported) return;
    this.#reported = sent;
    this.#step.onSent?.(sent);
  }

  #token(offset: number): ResumeToken {
    const { device, context } = this.#bound;
    const { digest, length } = this.#payload.artifact;
    const state = { path: this.#plan.send.path };
    return { delivery: "http", device: device.id, origin: context.origin, digest, length, offset, state };
  }

  #gone(): FlashwaveError {
    return new FlashwaveError(
      "upload_gone",
      "What the device holds is not the beginning of this artifact as it was sent before; it is sent from its beginning.",
      { phase: "send", device: this.#bound.device.id },
    );
  }
}

function storedBytes({ status, headers }: ExchangeReply): number | undefined {
  const length = headers.get("content-length") ?? "";
  return status === 200 && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function without(block: HeaderBlock, name: string): string[] {
  return block.filter((_, at) => block[at - (at % 2)] !== name);
}
