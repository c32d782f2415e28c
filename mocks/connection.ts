import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { SimulatedDevice } from "./device.ts";
import type { Dialect } from "./dialect.ts";
import { Exchange } from "./exchange.ts";
import type { Ending } from "./faults.ts";
import { MalformedRequest, RequestParser } from "./parser.ts";
import type { RequestHead } from "./records.ts";
import { wholeReply } from "./replies.ts";
import type { SimulatorClock } from "./time.ts";

/** What a connection needs to know about where it arrived. */
export interface Host {
  readonly dialect: Dialect;
  readonly clock: SimulatorClock;
  /** Which device is meant, and the path as that device sees it; nothing when there is no such device. */
  find(head: RequestHead): { readonly device: SimulatedDevice; readonly path: string } | undefined;
  onMalformed(): void;
}

const nothing: Buffer = Buffer.alloc(0);
const waitingRoom = 262_144;

/**
 * One connection: reads requests one after the other, hands each to an exchange, and lends the exchange its hands:
 * writing, waiting, ending. A request that comes before the last was answered waits.
 */
export class Connection {
  readonly number: number;
  readonly #host: Host;
  readonly #socket: Socket;
  /** Beneath TLS: only a plain socket can be reset. */
  readonly #plain: Socket;
  readonly #timers = new Set<() => void>();
  readonly #parser: RequestParser;
  #waiting: Buffer = nothing;
  #exchange: Exchange | undefined;
  #answering = false;
  #deaf = false;
  #stopped = false;
  #bytesPerSecond = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, plain: Socket, number: number, host: Host) {
    this.number = number;
    this.#socket = socket;
    this.#plain = plain;
    this.#host = host;
    this.#parser = new RequestParser({
      onHead: (head) => this.#begin(head),
      room: () => this.#exchange?.room ?? Number.POSITIVE_INFINITY,
      onBody: (chunk) => this.#exchange?.body(chunk),
      onEnd: () => this.#end(),
    });
    // Small answers must not wait for a delayed acknowledgement.
    plain.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
  }

  get alive(): boolean {
    return !this.#plain.destroyed && !this.#socket.destroyed;
  }

  /** Fingerprint of the client's certificate. */
  get peer(): string | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket.getPeerX509Certificate()?.fingerprint256 : undefined;
  }

  /** Calls `sent` once the kernel has it, or once it never will. */
  write(bytes: Buffer | string, sent: () => void = () => {}): void {
    if (this.#socket.writable) this.#socket.write(bytes, "latin1", () => sent());
    else sent();
  }

  /** Writes `filler` again and again, `total` bytes in all and no faster than they are taken; then `done`. */
  pour(filler: Buffer, total: number, done: () => void): void {
    const block = Buffer.concat(Array(Math.ceil(65_536 / filler.length)).fill(filler));
    let left = total;
    const step = () => {
      if (left <= 0) return done();
      if (!this.#socket.writable) return;
      const part = left < block.length ? block.subarray(0, left) : block;
      left -= part.length;
      // Through the event loop each time: a reader that keeps up must not starve everybody else.
      this.#socket.write(part, () => setImmediate(step));
    };
    step();
  }

  /** A timer that ends with the connection. */
  after(ms: number, run: () => void): void {
    const cancel = this.#host.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  /** Ends the connection. After a FIN it still swallows what comes, or the kernel would turn the FIN into a reset. */
  finish(ending: Ending): void {
    this.#deaf = true;
    this.#waiting = nothing;
    if (ending === "rst") {
      this.#plain.resetAndDestroy();
      this.#socket.destroy();
    } else {
      this.#socket.end();
      this.#socket.resume();
    }
  }

  /** Gives the socket away behind these bytes: no more requests come on it. */
  handOver(bytes: Buffer, take: (socket: Duplex) => void): void {
    this.#socket.removeAllListeners("data");
    this.write(bytes);
    take(this.#socket);
  }

  /** Swallows whatever comes from now on. */
  ignore(): void {
    this.#deaf = true;
  }

  /** Reads no further for so long. */
  stopReading(ms: number): void {
    this.#stopped = true;
    this.#socket.pause();
    if (ms === Number.POSITIVE_INFINITY) return;
    this.after(ms, () => {
      this.#stopped = false;
      this.#socket.resume();
      this.#drain();
    });
  }

  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The exchange has been answered: on to the next. */
  next(): void {
    const close = this.#exchange?.closes ?? false;
    this.#exchange = undefined;
    this.#answering = false;
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    if (close) this.finish("fin");
    if (!this.#stopped) this.#socket.resume();
    this.#drain();
  }

  #onData(chunk: Buffer): void {
    if (this.#deaf) return;
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    this.#drain();
    if (this.#bytesPerSecond !== Number.POSITIVE_INFINITY)
      this.stopReading((chunk.length / this.#bytesPerSecond) * 1000);
    if (this.#answering && this.#waiting.length > waitingRoom) this.#socket.pause();
  }

  #drain(): void {
    try {
      while (this.#waiting.length > 0 && !this.#answering && !this.#stopped && !this.#deaf) {
        const bytes = this.#waiting;
        this.#waiting = nothing;
        const { rest, more } = this.#parser.read(bytes);
        if (this.#deaf) return;
        this.#waiting = rest;
        if (!more) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error;
      this.#host.onMalformed();
      this.write(wholeReply({ status: 400, json: { error: error.message } }, { connection: "close" }), () =>
        this.finish("fin"),
      );
      this.#deaf = true;
    }
  }

  #begin(head: RequestHead): void {
    const found = this.#host.find(head);
    if (!found) {
      this.write(wholeReply({ status: 404, json: { error: "no such device" } }, { connection: "close" }), () =>
        this.finish("fin"),
      );
      this.#deaf = true;
      return;
    }
    // Behind a listener of its own it would not have been let in; behind a shared one it is cut off here.
    if (found.device.rebooting) {
      found.device.counters.turnedAway++;
      this.finish("rst");
      return;
    }
    this.#exchange = new Exchange(this, found.device, { ...head, path: found.path }, this.#host.dialect);
    this.#exchange.begin();
  }

  #end(): void {
    if (this.#deaf) return;
    this.#answering = true;
    this.#exchange?.end();
  }

  #closed(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#deaf = true;
    this.#exchange?.lost();
    this.#exchange = undefined;
    this.#plain.destroy();
  }
}
