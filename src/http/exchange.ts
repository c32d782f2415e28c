import type { Dispatcher } from "undici";
import type { FlashwaveErrorCode } from "../core/errors.ts";
import type { ExchangeReply, ExchangeRequest, ReplyHeaders } from "../core/transport.ts";
import { type BodyHost, type BodyPlan, lengthAdded, OutgoingBody } from "./body.ts";
import { type Connection, maxHeadBytes } from "./connection.ts";
import type { Watched } from "./deadlines.ts";
import { type FaultContext, fault, wireError } from "./faults.ts";
import type { Settings } from "./options.ts";
import type { Peer } from "./peer.ts";
import { replyHeaders } from "./reply-headers.ts";
import { ReplyBody } from "./response.ts";
import { SentMeter } from "./sent.ts";
import { overdue, StageWatch } from "./stage.ts";

/** What an exchange asks of the transport that runs it. */
export interface ExchangeHost {
  readonly settings: Settings;
  /** The exchange is over. `reusable`: its connection may carry another. Called once. */
  ended(exchange: Exchange, reusable: boolean): void;
  /** It is being written on a socket that carried others before. */
  reused(): void;
}

/** Interim answers (1xx) to one request; more is a flood. */
const mostInterim = 100;

/**
 * Bytes of all kinds that an answer of at most `responseBytes` can take: its body in chunks of one byte each, which makes
 * six of every one, and as many heads as are allowed. What comes on top says nothing: a chunk's extension, its size or a
 * reason without end, which undici's parser skips and counts nowhere.
 */
const mostReceived = (responseBytes: number): number => 6 * responseBytes + (mostInterim + 2) * maxHeadBytes;

/**
 * One request and its answer: undici's handler, an entry of the deadline table, the listener on the caller's signal
 * and the host of its own body, in one object, because a small exchange is made of little else.
 */
export class Exchange implements Dispatcher.DispatchHandler, Watched, BodyHost {
  readonly peer: Peer;
  slot = -1;
  /** Begun to be written to a socket. */
  started = false;
  settled = false;
  connection: Connection | undefined;
  readonly #request: ExchangeRequest;
  readonly #host: ExchangeHost;
  readonly #read: ((reply: ExchangeReply) => unknown) | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #plan: BodyPlan;
  readonly #meter: SentMeter;
  readonly #watch: StageWatch;
  #body: OutgoingBody | undefined;
  #reported = 0;
  #interim = 0;
  #status = 0;
  #headers: ReplyHeaders | undefined;
  #reply: ReplyBody | undefined;

  constructor(
    peer: Peer,
    request: ExchangeRequest,
    plan: BodyPlan,
    host: ExchangeHost,
    read: ((reply: ExchangeReply) => unknown) | undefined,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.peer = peer;
    this.#request = request;
    this.#plan = plan;
    this.#host = host;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#meter = new SentMeter(plan.total);
    this.#watch = new StageWatch(request.deadline);
    request.signal?.addEventListener("abort", this);
  }

  begin(connection: Connection): void {
    const { method, path, headers, pace, keepAlive = true } = this.#request;
    const { total, direct, segments } = this.#plan;
    this.connection = connection;
    this.#watch.enter("connecting");
    if (direct === undefined && total > 0) this.#body = new OutgoingBody(segments, this.#meter, pace, this);
    connection.run(this, {
      method: method as Dispatcher.HttpMethod,
      path,
      headers: (this.#body === undefined ? headers : lengthAdded(headers, total)) as string[],
      body: (this.#body ?? direct ?? null) as Dispatcher.DispatchOptions["body"] & null,
      // Said outright: undici otherwise closes after HEAD, and after a body where none is usual.
      reset: !keepAlive,
    });
  }

  // What the caller, the transport and the deadline table do.

  handleEvent(): void {
    this.#failWith("aborted", "The caller's signal aborted the exchange.", this.#request.signal?.reason);
  }

  close(): void {
    this.#failWith("client_closed", "The client was closed during the exchange.");
  }

  fail(error: unknown): void {
    if (this.settled) return;
    this.#settle(false);
    this.#reject(error);
  }

  tick(now: number): void {
    const watch = this.#watch;
    if (watch.stage === "sending") this.#followSending();
    const { limits, responseBytes } = this.#host.settings;
    const most = mostReceived(responseBytes);
    if ((this.connection?.received() ?? 0) > most) {
      this.#tooLarge(most);
      return;
    }
    const code = watch.verdict(now, limits);
    if (code === undefined) return;
    this.#failWith(
      code,
      overdue(code, { origin: this.peer.origin.text, stage: watch.stage, limits, status: this.#status }),
    );
  }

  /** A large chunk leaves in pieces, each a sign of life; the time in which the source prepares the next is not the device's. */
  #followSending(): void {
    const socket = this.connection?.socket;
    if (this.#meter.observe(socket)) this.#watch.enter("answering");
    else if (this.#meter.moved(socket) || this.#body?.preparing) this.#watch.move();
    this.#report(this.#meter.taken(socket));
  }

  // What the body tells.

  accepted(bytes: number): void {
    this.#watch.move();
    this.#report(bytes);
  }

  #report(bytes: number): void {
    if (bytes <= this.#reported) return;
    this.#reported = bytes;
    const { onSent } = this.#request;
    if (onSent !== undefined) this.#call(() => onSent(bytes));
  }

  pacing(waiting: boolean): void {
    this.#watch.pace(waiting, this.#host.settings.clock);
  }

  // What undici tells.

  onRequestStart(): void {
    this.started = true;
    this.#watch.enter("sending");
    const { connection } = this;
    if (connection !== undefined && connection.used++ > 0) this.#host.reused();
  }

  onBodySent(chunk: Uint8Array): void {
    this.#meter.wrote(chunk.length, this.connection?.socket);
  }

  onRequestSent(): void {
    if (this.settled) return;
    if (this.#meter.total === 0) this.#meter.wrote(0, this.connection?.socket);
    if (this.#meter.observe(this.connection?.socket)) this.#watch.enter("answering");
    this.accepted(this.#meter.queued);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#answered();
    if (status < 200) {
      this.#inform(status, controller.rawHeaders);
      return;
    }
    this.#status = status;
    this.#headers = replyHeaders(controller.rawHeaders);
    const { responseBytes } = this.#host.settings;
    const announced = Number(headers["content-length"] ?? -1);
    const bodiless = this.#request.method === "HEAD" || status === 204 || status === 304;
    if (announced > responseBytes && !bodiless) {
      this.#tooLarge(responseBytes);
      return;
    }
    this.#reply = new ReplyBody(responseBytes, announced);
    if (!this.#meter.observe(this.connection?.socket) && this.#meter.allQueued) waitOneTurn(controller);
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Uint8Array): void {
    this.#answered();
    if (this.#reply?.push(piece) === false) this.#tooLarge(this.#host.settings.responseBytes);
  }

  onResponseEnd(): void {
    this.#succeed(this.#meter.observe(this.connection?.socket) ? "all" : "partial");
  }

  onResponseError(_: unknown, error: unknown): void {
    if (!this.settled) this.fail(fault(error, this.#context()));
  }

  /** A piece of the answer arrived. While bytes still wait to leave, it says nothing about whether they do. */
  #answered(): void {
    if (this.#watch.stage === "answering") this.#watch.move();
  }

  #inform(status: number, raw: unknown): void {
    const { onInformation } = this.#request;
    if (++this.#interim > mostInterim) {
      const seen = `${this.peer.origin.text} sent more than ${mostInterim} interim answers`;
      this.#failWith("malformed_reply", `${seen} and no final one.`);
    } else if (onInformation !== undefined) {
      this.#call(() => onInformation(status, replyHeaders(raw)));
    }
  }

  #tooLarge(most: number): void {
    const seen = `${this.peer.origin.text} answered with more than ${most} bytes`;
    this.#failWith("reply_too_large", `${seen}; raise limits.responseBytes if that is meant.`);
  }

  /** A callback that throws ends the exchange, with its own error. */
  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends it for a reason that undici does not know of. */
  #failWith(code: FlashwaveErrorCode, message: string, cause?: unknown): void {
    this.fail(wireError(code, message, this.#context(), cause));
  }

  #succeed(sent: ExchangeReply["sent"]): void {
    if (this.settled || this.#headers === undefined || this.#reply === undefined) return;
    const certificate = this.connection?.certificate;
    // Where the connection was not to be kept, undici has closed it.
    this.#settle(sent === "all");
    const { identity } = this.peer;
    const body = this.#reply.finish();
    const plain: ExchangeReply = { status: this.#status, headers: this.#headers, body, sent, peer: identity };
    const reply = certificate === undefined ? plain : { ...plain, certificate };
    try {
      this.#resolve(this.#read === undefined ? reply : this.#read(reply));
    } catch (error) {
      this.#reject(error);
    }
  }

  #settle(reusable: boolean): void {
    this.settled = true;
    this.#request.signal?.removeEventListener("abort", this);
    this.#host.ended(this, reusable);
    // After the socket is gone: a source may hand out its memory again at once.
    if (!reusable) this.#body?.stop();
  }

  /** Looks at the socket, so it comes before anything that closes it. */
  #context(): FaultContext {
    this.#meter.observe(this.connection?.socket);
    const { bytesOut } = this.#meter;
    const { phase } = this.#request;
    return { origin: this.peer.origin.text, phase, started: this.started, status: this.#status, bytesOut };
  }
}

/**
 * TLS reports a write as flushed one turn of the loop after it was, and a near device can answer within that turn (3 of
 * 10 on loopback). Looked at then, every such answer would seem early.
 */
function waitOneTurn(controller: Dispatcher.DispatchController): void {
  controller.pause();
  setImmediate(() => controller.resume());
}
