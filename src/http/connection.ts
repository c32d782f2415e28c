import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type buildConnector, Client, type Dispatcher, errors } from "undici";
import { denied } from "./address-policy.ts";
import type { Dial } from "./connector.ts";
import type { Settings } from "./options.ts";
import type { Peer } from "./peer.ts";
import { pinMismatch, pinned } from "./pinning.ts";

/** Of the head of one answer, interim or final, and of its trailers. */
export const maxHeadBytes = 16_384;

/** One for all: the stack of one of its own costs about as much as closing the socket does, and nobody sees it. */
const closed = new errors.InformationalError("closed");

/** What a connection carries: undici's handler for an exchange, or for the opening of a channel. */
export interface Cargo extends Dispatcher.DispatchHandler {
  /** Begun to be written to a socket. */
  readonly started: boolean;
}

/** What a connection reports to the pool that owns it. */
export interface ConnectionOwner {
  readonly settings: Settings;
  dialer(peer: Peer): Dial;
  opened(): void;
  failed(): void;
  /** The socket of an idle connection closed; `idled` when it was for its age. */
  closed(connection: Connection, idled: boolean): void;
}

/**
 * One undici client with one socket, carrying one exchange at a time. It never queues a second request, so the socket
 * that an exchange sees is its own, and it never opens a second socket for a request that began to be written: undici
 * would send again what it holds to be unanswered.
 */
export class Connection {
  readonly peer: Peer;
  socket: Socket | undefined;
  /** What the peer of this socket showed; read once, when it opens. */
  certificate: string | undefined;
  /** Exchanges that were written on this socket. */
  used = 0;
  /** The exchange, counted in `used`, that `received` last spoke of, and what had been read before it did. */
  #asked = 0;
  #before = 0;
  /** The next older idle connection of the same peer. */
  below: Connection | undefined;
  /** Neighbours among all idle connections. */
  older: Connection | undefined;
  newer: Connection | undefined;
  readonly #owner: ConnectionOwner;
  readonly #client: Client;
  #cargo: Cargo | undefined;

  constructor(peer: Peer, owner: ConnectionOwner) {
    this.peer = peer;
    this.#owner = owner;
    const { idleTimeout } = owner.settings;
    this.#client = new Client(peer.origin.text, {
      pipelining: 1,
      connect: (options, callback) => this.#connect(options, callback),
      // The deadline table does it; two equal values also spare undici a timer per phase.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleTimeout,
      keepAliveMaxTimeout: idleTimeout,
      maxHeaderSize: maxHeadBytes,
    });
  }

  get usable(): boolean {
    return this.socket !== undefined && !this.socket.destroyed;
  }

  run(cargo: Cargo, options: Parameters<Client["dispatch"]>[0]): void {
    this.#cargo = cargo;
    this.#client.dispatch(options, cargo);
  }

  /** Bytes of all kinds that came on this socket since this was first asked of the exchange under way. */
  received(): number {
    const read = this.socket?.bytesRead ?? 0;
    if (this.#asked !== this.used) {
      this.#asked = this.used;
      this.#before = read;
    }
    return read - this.#before;
  }

  /** The exchange is over and the connection may carry another. */
  rest(): void {
    this.#cargo = undefined;
  }

  /**
   * Closes at once. The socket ends with an error, because undici's writer lets go of a body only then: a bare destroy
   * would leave it waiting for a drain that never comes. The client follows when undici is not on the stack any more;
   * destroyed while it writes, it would count wrong and fail an assertion.
   */
  close(): void {
    const { socket } = this;
    this.socket = undefined;
    this.#cargo = undefined;
    socket?.destroy(closed);
    queueMicrotask(() => this.#client.destroy(closed, nothing));
  }

  #connect(options: buildConnector.Options, callback: buildConnector.Callback): void {
    // A request that still waits to be written may have a new socket when the old one turns out to be dead.
    if (this.#cargo === undefined || this.#cargo.started) {
      callback(Object.assign(new Error("a request is never sent twice"), { code: "ECONNRESET" }), null);
      return;
    }
    this.used = 0;
    this.#asked = 0;
    this.#before = 0;
    const socket = this.#owner.dialer(this.peer)(options, (...[error]) => {
      const refusal = error ?? this.#objection(socket);
      if (refusal === undefined) {
        this.#owner.opened();
        socket.once("close", () => this.#onClose(socket));
        return callback(null, socket);
      }
      this.#owner.failed();
      if (error === null) socket.destroy();
      callback(refusal, null);
    });
    this.socket = socket;
  }

  /** What is wrong with a socket that just opened. Nothing has been written to it. */
  #objection(socket: Socket): Error | undefined {
    const { origin, pins } = this.peer;
    const { remoteAddress } = socket;
    if (socket.destroyed) return Object.assign(new Error("closed at once"), { code: "ECONNRESET" });
    if (remoteAddress !== undefined && isIP(remoteAddress) !== 0) {
      const objection = this.#owner.settings.policy.objection(remoteAddress);
      if (objection !== undefined) return denied(origin.host, remoteAddress, objection);
    }
    if (pins !== undefined && !pinned(socket as TLSSocket, pins)) {
      return pinMismatch(origin.text, "presented a certificate that matches none of the pins");
    }
    if (origin.secure) this.certificate = (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;
    return undefined;
  }

  #onClose(socket: Socket): void {
    // In use: undici tells the exchange, or reconnects for one that was not written yet.
    if (this.socket !== socket || this.#cargo !== undefined) return;
    // undici closes with this error for age alone; with others after an answer that said `connection: close`.
    this.#owner.closed(this, socket.errored?.message === "socket idle timeout");
  }
}

function nothing(): void {}
