import type { Duplex } from "node:stream";
import { type Dispatcher, WebSocket } from "undici";
import type { FlashwaveError, FlashwaveErrorCode } from "../core/errors.ts";
import type { ChannelRequest, DeviceChannel, ExchangeReply } from "../core/transport.ts";
import type { Cargo, Connection } from "./connection.ts";
import type { Watched } from "./deadlines.ts";
import { fault, wireError } from "./faults.ts";
import type { Settings } from "./options.ts";
import type { Peer } from "./peer.ts";
import { countPings } from "./pings.ts";
import { replyHeaders } from "./reply-headers.ts";
import { StageWatch } from "./stage.ts";

/** What a channel asks of the transport that runs it. */
export interface ChannelHost {
  readonly settings: Settings;
  opened(): void;
  /** The channel is over, or was never opened. Called once. */
  ended(channel: Channel, reusable: false): void;
  /** It is being written on a socket that carried others before. */
  reused(): void;
}

/** Messages, pings and pongs in one second; more is a flood. */
const mostPerSecond = 10_000;
/** Frames that one message may be cut into. */
const mostFragments = 1_024;
const nothing = new Uint8Array(0);

/**
 * One websocket, from its opening to its end. The protocol is undici's; the way there is ours.
 *
 *     WebSocket ─ dispatch ─▶ Channel ─▶ Connection (address policy, TLS, pins) ─▶ 101 ─▶ WebSocket reads the socket
 *                               └─ any other answer, fault or limit: told as what it was, which WebSocket would hide
 *
 * While it opens it is an entry of the deadline table like an exchange; once open it stays there to be looked after.
 */
export class Channel implements Cargo, Watched {
  readonly peer: Peer;
  slot = -1;
  started = false;
  open = false;
  connection: Connection | undefined;
  readonly #request: ChannelRequest;
  readonly #host: ChannelHost;
  readonly #resolve: (opened: DeviceChannel | ExchangeReply) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #watch: StageWatch;
  readonly #end = Promise.withResolvers<FlashwaveError | undefined>();
  #over = false;
  #status = 0;
  #socket: WebSocket | undefined;
  /** undici's own handler of the opening handshake. */
  #handshake: Dispatcher.DispatchHandler | undefined;
  /** How the connection ended beneath the websocket, where that is known. */
  #cut: string | undefined;
  #second = 0;
  #frames = 0;

  constructor(
    peer: Peer,
    request: ChannelRequest,
    host: ChannelHost,
    resolve: (opened: DeviceChannel | ExchangeReply) => void,
    reject: (reason: unknown) => void,
  ) {
    this.peer = peer;
    this.#request = request;
    this.#host = host;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#watch = new StageWatch(request.deadline);
    request.signal?.addEventListener("abort", this);
  }

  begin(connection: Connection): void {
    this.connection = connection;
    this.#watch.enter("connecting");
    // Also reads, by this name, the limits that an undici client would carry.
    const dispatcher: unknown = {
      dispatch: (...[options, handshake]: Parameters<Dispatcher["dispatch"]>) => this.#dispatch(options, handshake),
      webSocketOptions: { maxFragments: mostFragments, maxPayloadSize: this.#host.settings.responseBytes },
    };
    // The connection knows where it leads. A real address would bring in a browser's list of forbidden ports.
    const socket = new WebSocket("ws://device/", { dispatcher: dispatcher as Dispatcher });
    socket.addEventListener("open", () => this.#onOpen());
    socket.addEventListener("message", ({ data }) => this.#onMessage(data));
    socket.addEventListener("close", ({ code }) => this.#onClose(code));
    this.#socket = socket;
    countPings(socket, () => this.#count());
  }

  // What the caller, the transport and the deadline table do.

  handleEvent(): void {
    this.#failWith("aborted", "The caller's signal aborted the channel.", this.#request.signal?.reason);
  }

  close(): void {
    this.#failWith("client_closed", "The client was closed during the exchange.");
  }

  tick(now: number): void {
    if (this.open) {
      // After its goodbye a device may keep the connection, and undici would wait for it.
      if (this.#socket?.readyState === WebSocket.CLOSING) this.connection?.socket?.destroy();
      return;
    }
    const code = this.#watch.verdict(now, this.#host.settings.limits);
    if (code === undefined) return;
    const { text } = this.peer.origin;
    this.#failWith(
      code,
      `${text} opened no websocket in time; check its address, and that it has a websocket at this path.`,
    );
  }

  // What undici tells of the opening.

  #dispatch(options: Dispatcher.DispatchOptions, handshake: Dispatcher.DispatchHandler): boolean {
    if (this.#over) throw new Error("the channel is over");
    this.#handshake = handshake;
    const { path, headers = [] } = this.#request;
    const { "sec-websocket-key": key, "sec-websocket-version": version } = options.headers as Record<string, string>;
    // Without sec-websocket-extensions: what a device sends is never inflated.
    const own = ["sec-websocket-key", key ?? "", "sec-websocket-version", version ?? ""];
    this.connection?.run(this, { method: "GET", path, headers: [...headers, ...own], upgrade: "websocket" });
    return true;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.started = true;
    this.#watch.enter("answering");
    const { connection } = this;
    if (connection !== undefined && connection.used++ > 0) this.#host.reused();
    this.#handshake?.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    socket: Duplex,
  ): void {
    this.#status = status;
    // undici believes that it offered compression, and would inflate what comes (RFC 6455 §4.1: fail the connection).
    if (headers["sec-websocket-extensions"] !== undefined) {
      this.#malformed("switched protocols with an extension that was not offered");
      return;
    }
    socket.once("end", () => {
      this.#cut ??= "it ended the connection";
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      this.#cut ??= error.code ?? "the connection broke";
    });
    this.#handshake?.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    this.#watch.move();
    if (status < 200 || this.#over) return;
    this.#status = status;
    const headers = replyHeaders(controller.rawHeaders);
    this.#finish();
    this.#resolve({ status, headers, body: nothing, sent: "all", peer: this.peer.identity });
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    const { started } = this;
    this.#fail(fault(error, { ...this.#context(), started }));
    this.#handshake?.onResponseError?.(controller, error);
  }

  // What the websocket tells.

  #onOpen(): void {
    if (this.#over) return;
    this.open = true;
    this.#host.opened();
    const { peer } = this;
    this.#resolve({ peer: peer.identity, closed: this.#end.promise, close: () => this.#leave() });
  }

  #onMessage(data: unknown): void {
    if (this.#over) return;
    if (typeof data !== "string") this.#malformed("sent a binary message where text was due");
    else if (this.#count()) {
      try {
        this.#request.onText(data);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #count(): boolean {
    const second = Math.floor(this.#host.settings.clock.now() / 1_000);
    if (second !== this.#second) this.#frames = 0;
    this.#second = second;
    if (++this.#frames <= mostPerSecond) return true;
    this.#malformed(`sent more than ${mostPerSecond} frames within a second`);
    return false;
  }

  #onClose(code: number): void {
    if (this.#over) return;
    const { text } = this.peer.origin;
    if (!this.open) this.#malformed("switched protocols, but not as RFC 6455 asks for");
    // 1006: it did not say goodbye.
    else if (code !== 1006) this.#failWith("connection_lost", `${text} closed the websocket (${code}).`);
    else if (this.#cut !== undefined)
      this.#failWith("connection_lost", `The websocket to ${text} broke: ${this.#cut}.`);
    else {
      const most = this.#host.settings.responseBytes;
      this.#malformed(`sent what is no message of a websocket, or one of more than ${most} bytes`);
    }
  }

  // Its end.

  #leave(): void {
    if (this.#over) return;
    this.#socket?.close(1_000);
    this.#finish();
    this.#end.resolve(undefined);
  }

  #malformed(what: string): void {
    this.#failWith("malformed_reply", `${this.peer.origin.text} ${what}.`);
  }

  #failWith(code: FlashwaveErrorCode, message: string, cause?: unknown): void {
    this.#fail(wireError(code, message, this.#context(), cause));
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#finish();
    if (this.open) this.#end.resolve(error as FlashwaveError);
    else this.#reject(error);
  }

  #finish(): void {
    this.#over = true;
    this.#request.signal?.removeEventListener("abort", this);
    this.#host.ended(this, false);
  }

  #context() {
    const { started, peer } = this;
    return {
      origin: peer.origin.text,
      phase: this.#request.phase,
      started,
      status: this.#status,
      bytesOut: "none",
    } as const;
  }
}
