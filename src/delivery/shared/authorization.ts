import type { Credentials } from "../../core/credentials.ts";
import type { DeliveryContext } from "../../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { ChannelRequest, DeviceChannel, ExchangeReply, ExchangeRequest } from "../../core/transport.ts";
import { type Answer, basic, digest, unfit, upFront } from "./answers.ts";
import { challengesOf, parseParams } from "./challenges.ts";
import { type AuthMode, type ChallengeRequest, chooseAnswer } from "./login.ts";
import { replyError } from "./reply.ts";
import { isNamed } from "./request-plan.ts";

/** What is made of an answer; `proved` is there only where credentials went along. */
export type Read<T> = (reply: ExchangeReply, proved?: boolean) => T;

type Phased = Pick<ExchangeRequest, "phase">;

const logins = new WeakMap<DeliveryContext, Map<AuthMode, Authorization>>();

/**
 * The login of one device for the length of one call, shared by all that is bound to the same context in the same mode:
 * what a read was asked for serves the send after it. Nothing, at no cost, for a device without credentials.
 */
export function authorizationOf(context: DeliveryContext, device: string, mode: AuthMode): Authorization | undefined {
  const { credentials } = context;
  if (credentials === undefined) return undefined;
  const byMode = logins.get(context) ?? new Map<AuthMode, Authorization>();
  logins.set(context, byMode);
  const login = byMode.get(mode) ?? new Authorization(context, credentials, device, mode);
  byMode.set(mode, login);
  return login;
}

/**
 * Sends requests together with what the device asks for, to the device's own origin alone:
 *
 *     request ──401──► the answer was none, stale, or passed before? ──yes──► request with a new answer, once
 *                                                                 └──no──► refused
 *     artifact: no answer that is certainly fresh? ──► challenge request ──401──► answer ──► the artifact, once
 */
export class Authorization {
  readonly #context: DeliveryContext;
  readonly #ask: () => Promise<Credentials | undefined>;
  readonly #device: string;
  readonly #mode: AuthMode;
  #credentials: Promise<Credentials | undefined> | undefined;
  #answer: Answer | undefined;

  constructor(context: DeliveryContext, ask: () => Promise<Credentials | undefined>, device: string, mode: AuthMode) {
    this.#context = context;
    this.#ask = ask;
    this.#device = device;
    this.#mode = mode;
  }

  /**
   * @param read is told with the answer whether the device accepted credentials that it had asked for, and no `rspauth`
   * of its own (RFC 7616 §3.5) says otherwise. What is sent unasked proves nothing: any device may ignore it.
   * @param first for a request that carries the artifact: what may be sent before it
   * @throws `credentials_failed` before anything is sent; `refused` for a login that the device does not take, or that
   * it wants in a way not spoken here; and whatever the exchange and `read` throw
   */
  async exchange<T>(request: ExchangeRequest, read: Read<T>, first?: ChallengeRequest): Promise<T> {
    this.#credentials ??= this.#asked();
    const credentials = await this.#credentials;
    const { transport, origin } = this.#context;
    // What the profile or the caller wrote there themselves goes as it is.
    if (credentials === undefined || isNamed(request.headers ?? [], "authorization")) {
      return transport.exchange(origin, request, read);
    }
    this.#answer ??= upFront(credentials, this.#mode);
    if (first !== undefined && this.#answer?.ready !== true) await this.#open(credentials, request, first);
    const used = this.#answer;
    const { reply, proved } = await this.#send(request, used);
    if (reply.status !== 401) return read(reply, proved);
    if (first !== undefined) throw this.#refused(used === undefined || used.passed ? late : wrong, reply, request);
    const stale = this.#learn(credentials, reply, request);
    if (used !== undefined && !used.passed && !stale) throw this.#refused(wrong, reply, request);
    const again = await this.#send(request, this.#answer);
    if (again.reply.status === 401) throw this.#refused(wrong, again.reply, request);
    return read(again.reply, again.proved);
  }

  /**
   * Opens a websocket likewise. Its opening has no body, so it may be made twice: the answer to a 401 then serves the
   * requests after it too.
   * @throws as `exchange`
   */
  async channel(request: ChannelRequest): Promise<DeviceChannel | ExchangeReply> {
    this.#credentials ??= this.#asked();
    const credentials = await this.#credentials;
    const { transport, origin } = this.#context;
    if (credentials === undefined || isNamed(request.headers ?? [], "authorization")) {
      return transport.channel(origin, request);
    }
    this.#answer ??= upFront(credentials, this.#mode);
    const used = this.#answer;
    const opened = await this.#openChannel(request, used);
    if (!("status" in opened) || opened.status !== 401) return opened;
    const stale = this.#learn(credentials, opened, request);
    if (used !== undefined && !used.passed && !stale) throw this.#refused(wrong, opened, request);
    const again = await this.#openChannel(request, this.#answer);
    if ("status" in again && again.status === 401) throw this.#refused(wrong, again, request);
    return again;
  }

  async #openChannel(request: ChannelRequest, answer: Answer | undefined): Promise<DeviceChannel | ExchangeReply> {
    const { transport, origin } = this.#context;
    if (answer === undefined) return transport.channel(origin, request);
    const headers = [...(request.headers ?? []), "authorization", answer.for("GET", request.path).value];
    const opened = await transport.channel(origin, { ...request, headers });
    answer.passed ||= !("status" in opened) || opened.status !== 401;
    return opened;
  }

  async #asked(): Promise<Credentials | undefined> {
    const credentials = await this.#ask();
    const problem = credentials && unfit(credentials, this.#mode);
    if (problem === undefined) return credentials;
    const message = `The credentials for this device ${problem}; nothing was sent.`;
    throw new FlashwaveError("credentials_failed", message, { phase: "prepare", device: this.#device });
  }

  /** Lets the device ask. A device that does not is sent the artifact with what is known of it. */
  async #open(credentials: Credentials, request: ExchangeRequest, first: ChallengeRequest): Promise<void> {
    const { transport, origin } = this.#context;
    const { method, path } = first;
    const { phase, deadline, signal, pins } = request;
    try {
      const reply = await transport.exchange(origin, { method, path, phase, deadline, signal, pins });
      if (reply.status === 401) this.#learn(credentials, reply, request);
    } catch (error) {
      // Of the artifact, no byte has left.
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : error;
    }
  }

  async #send(
    request: ExchangeRequest,
    answer: Answer | undefined,
  ): Promise<{ readonly reply: ExchangeReply; readonly proved: boolean }> {
    const { transport, origin } = this.#context;
    if (answer === undefined) return { reply: await transport.exchange(origin, request), proved: false };
    const { value, proof } = answer.for(request.method, request.path);
    const headers = [...(request.headers ?? []), "authorization", value];
    const reply = await transport.exchange(origin, { ...request, headers });
    const info = proof && parseParams(reply.headers.get("authentication-info") ?? "");
    const shown = info?.get("rspauth")?.toLowerCase();
    const next = info?.get("nextnonce");
    if (next !== undefined) answer.renew?.(next);
    answer.passed ||= reply.status !== 401;
    const accepted = answer.asked && reply.status >= 200 && reply.status < 300;
    return { reply, proved: accepted && (shown === undefined || shown === proof?.()) };
  }

  /** From a 401 to what answers it. Whether it says that only the nonce was too old. */
  #learn(credentials: Credentials, reply: ExchangeReply, request: Phased): boolean {
    if (credentials.token !== undefined) throw this.#refused(wrong, reply, request);
    const choice = chooseAnswer(challengesOf(reply.headers), this.#mode, this.#context.origin.startsWith("https:"));
    if (choice.scheme === "none") {
      throw this.#refused(`wants ${choice.wants}, which is not answered: ${choice.advice}`, reply, request);
    }
    if (choice.scheme === "basic") {
      this.#answer = basic(credentials, true);
      return false;
    }
    this.#answer = digest(credentials, choice.challenge);
    return choice.challenge.stale;
  }

  #refused(told: string, reply: ExchangeReply, { phase }: Phased): FlashwaveError {
    const context = { phase, device: this.#device, clock: this.#context.clock };
    return replyError("refused", `The device answered ${reply.status} and ${told}.`, reply, context);
  }
}

const wrong = "does not take this login; check the credentials given for it";
const late =
  "asks for a login only when it is sent the artifact; name in its profile's options.challenge a request that it answers with 401, or set its profile's options.auth to basic";
