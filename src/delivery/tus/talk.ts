import type { SendStep, Step } from "../../core/delivery.ts";
import { type BytesOut, FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Segment } from "../../core/payload.ts";
import type { ExchangeReply, HeaderBlock, Pace } from "../../core/transport.ts";
import { type Bound, exchange, replyContext } from "../shared/exchange.ts";
import type { ChallengeRequest } from "../shared/login.ts";
import { type ReplyContext, replyError, requireSuccess } from "../shared/reply.ts";
import { withDefaults } from "../shared/request-plan.ts";
import type { Plan } from "./plan.ts";
import { readServer, readSize, reserved, type Server, version } from "./protocol.ts";

/** What goes with one request beside the headers that all have. */
export interface Message {
  readonly method: string;
  readonly path: string;
  readonly headers?: HeaderBlock;
  readonly body?: Segment;
  /** For a request with the artifact's bytes: where to be asked for a login before they leave. */
  readonly first?: ChallengeRequest;
  /** Bytes of this body that the socket has accepted. */
  readonly onSent?: ((bytes: number) => void) | undefined;
  /** For a fault: how much of the artifact had left in this send, by how much of this request's body had. */
  readonly out: (bytesOut: BytesOut) => BytesOut;
}

/** The requests of one call to one server, one after the other, each with the headers that all have. */
export class Talk {
  readonly bound: Bound;
  readonly plan: Plan;
  readonly #step: Partial<SendStep> & Step;
  readonly #headers: HeaderBlock;
  readonly #pace: Pace | undefined;
  /** What each answer was an answer to, in words that hold no path of the server's own. */
  readonly #asked = new WeakMap<ExchangeReply, NonNullable<ReplyContext["request"]>>();
  /** Milliseconds that our own rate limit has cost: the device is not to answer for them. */
  #waited = 0;

  /** @throws `invalid_header` */
  constructor(plan: Plan, bound: Bound, step: Partial<SendStep> & Step) {
    this.bound = bound;
    this.plan = plan;
    this.#step = step;
    const own = Object.entries(step.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    const taken = own.find(([name]) => reserved.has(name));
    if (taken !== undefined) {
      const message = `The header "${taken[0]}" is set by the protocol; leave it out.`;
      throw new FlashwaveError("invalid_header", message, { phase: "prepare", device: bound.device.id });
    }
    this.#headers = own.length === 0 ? plan.create.headers : withDefaults(own.flat(), plan.create.headers);
    this.#pace = step.pace && this.#metered(step.pace);
  }

  /** One request. Its answer may be any; a fault says how much of the artifact had left. */
  async say({ method, path, headers, body, first, onSent, out }: Message): Promise<ExchangeReply> {
    const { deadline, signal } = this.#step;
    const step = { deadline: deadline + this.#waited, signal, onSent, pace: body && this.#pace };
    const request = { ...this.plan.create, method, path };
    // "The Tus-Resumable header MUST be included in every request and response except for OPTIONS requests."
    const own = method === "OPTIONS" ? [] : ["tus-resumable", version, ...(headers ?? [])];
    const block = [...this.#headers, ...own];
    try {
      const reply = await exchange(this.bound, request, step, "send", (answer) => answer, block, body, first);
      const ours = path === this.plan.create.path;
      this.#asked.set(reply, ours ? { method, path } : { about: `${method} of the upload at the place that it named` });
      return reply;
    } catch (error) {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: out(error.bytesOut) }) : error;
    }
  }

  /** What the server says of itself. */
  async options(): Promise<Server> {
    const { path } = this.plan.create;
    const reply = await this.say({ method: "OPTIONS", path, out: none });
    this.requireYes(reply, none);
    const server = readServer(reply.headers);
    if (server === undefined) {
      throw this.unsupported(`does not offer tus ${version} at this path; check send.path in its profile`, reply);
    }
    return server;
  }

  /** How much the server has of an upload of `length` bytes. */
  async offset(path: string, length: number, out: () => BytesOut): Promise<number> {
    const reply = await this.say({ method: "HEAD", path, out });
    if (reply.status === 404 || reply.status === 410) {
      throw this.fault(
        "upload_gone",
        "The device no longer knows this upload. Send the artifact anew.",
        reply,
        out,
        true,
      );
    }
    this.requireYes(reply, out);
    const offset = readSize(reply.headers.get("upload-offset"));
    const whole = reply.headers.get("upload-length");
    if (offset === undefined) throw this.#unreadable("does not say how much of it it has", reply, out);
    if (whole !== undefined && readSize(whole) !== length)
      throw this.#unreadable("says that it is of another length than this artifact", reply, out);
    if (offset > length) throw this.#unreadable("claims to have more of it than there is", reply, out);
    return offset;
  }

  async terminate(path: string): Promise<void> {
    const reply = await this.say({ method: "DELETE", path, out: none });
    // Gone is what it was to become.
    if (reply.status !== 404 && reply.status !== 410) this.requireYes(reply, none);
  }

  /** Returns only for a 2xx to a wholly sent request. */
  requireYes(reply: ExchangeReply, out: (bytesOut: BytesOut) => BytesOut): void {
    if (reply.status === 412) throw this.unsupported(`does not speak tus ${version}`, reply, out);
    // tusd: another request still holds the upload, mostly the one that broke.
    if (reply.status === 423)
      throw this.fault("device_busy", "The device still holds this upload for an earlier request.", reply, out, true);
    // "460 Checksum Mismatch": the part was discarded, so it may be sent again.
    if (reply.status === 460)
      throw this.fault("device_error", "What the device received does not match its checksum.", reply, out, true);
    try {
      requireSuccess(reply, replyContext(this.bound, "send", this.#asked.get(reply)));
    } catch (error) {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: out(error.bytesOut) }) : error;
    }
  }

  /** @param what follows "The device" in the message */
  unsupported(what: string, reply?: ExchangeReply, out: (bytesOut: BytesOut) => BytesOut = none): FlashwaveError {
    if (reply !== undefined) return this.fault("unsupported", `The device ${what}.`, reply, out);
    return new FlashwaveError("unsupported", `The device ${what}.`, { phase: "send", device: this.bound.device.id });
  }

  fault(
    code: FlashwaveError["code"],
    message: string,
    reply: ExchangeReply,
    out: (bytesOut: BytesOut) => BytesOut,
    retryable = false,
  ): FlashwaveError {
    const context = replyContext(this.bound, "send", this.#asked.get(reply));
    const error = replyError(code, message, reply, context, retryable);
    return inContext(error, { bytesOut: out(error.bytesOut) });
  }

  #unreadable(what: string, reply: ExchangeReply, out: () => BytesOut): FlashwaveError {
    const message = `Asked for an upload, the device ${what}. Nothing more was sent; push without the token.`;
    return this.fault("unreadable_state", message, reply, out);
  }

  #metered(pace: Pace): Pace {
    const { clock } = this.bound.context;
    return {
      take: (bytes, signal) => {
        const wait = pace.take(bytes, signal);
        if (wait === undefined) return undefined;
        const since = clock.now();
        return wait.then(() => {
          this.#waited += clock.now() - since;
        });
      },
    };
  }
}

/** For requests that carry nothing of the artifact, before anything of it has left. */
export const none = (): BytesOut => "none";
