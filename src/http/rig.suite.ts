import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions as ServerTls } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { type FlashwaveError, isFlashwaveError } from "../core/errors.ts";
import type { Chunks } from "../core/payload.ts";
import type { ExchangeRequest, Transport } from "../core/transport.ts";
import type { TransportOptions } from "./options.ts";
import { createTransport } from "./transport.ts";

/** A raw server on loopback: what it says and when is up to each test. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Every connection ever accepted, in order. */
  readonly sockets: readonly Socket[];
  /** The socket of the next connection. */
  connection(): Promise<Socket>;
  close(): Promise<void>;
}

export async function serve(
  onConnection: (socket: Socket, index: number) => void = () => undefined,
  options: { readonly tls?: ServerTls; readonly host?: string; readonly port?: number } = {},
): Promise<RawServer> {
  const { host = "127.0.0.1", port = 0, tls } = options;
  const sockets: Socket[] = [];
  const accept = (socket: Socket) => {
    socket.on("error", () => undefined);
    socket.setNoDelay(true);
    onConnection(socket, sockets.push(socket) - 1);
    server.emit("accepted", socket);
  };
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  server.on("tlsClientError", (_, socket: Socket) => socket.destroy());
  server.listen({ host, port, backlog: 4096 });
  await once(server, "listening");
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : 0;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    port: bound,
    url: `${tls === undefined ? "http" : "https"}://${host}:${bound}`,
    sockets,
    connection: async () => (await once(server, "accepted"))[0],
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface SeenRequest {
  readonly head: string;
  readonly body: Buffer;
}

/** Calls `onRequest` with each whole request of a socket: head, and as many bytes as its Content-Length says. */
export function onRequests(socket: Socket, onRequest: (request: SeenRequest) => void): void {
  let parts: Buffer[] = [];
  let have = 0;
  let needed = 0;
  let bodyAt = -1;
  socket.on("data", (data: Buffer) => {
    parts.push(data);
    have += data.length;
    while (have > 0 && have >= needed) {
      const bytes = Buffer.concat(parts);
      parts = [bytes];
      if (bodyAt < 0) {
        bodyAt = bytes.indexOf("\r\n\r\n") + 4;
        if (bodyAt < 4) {
          bodyAt = -1;
          break;
        }
        const length = /\r\ncontent-length: (\d+)/.exec(bytes.toString("latin1", 0, bodyAt))?.[1];
        needed = bodyAt + Number(length ?? 0);
        continue;
      }
      const head = bytes.toString("latin1", 0, bodyAt - 4);
      const body = bytes.subarray(bodyAt, needed);
      parts = [bytes.subarray(needed)];
      have -= needed;
      needed = 0;
      bodyAt = -1;
      onRequest({ head, body });
    }
  });
}

export function answer(status: number, body = "", headers = ""): string {
  return `HTTP/1.1 ${status} Any\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Answers every whole request with 200 and `body`. */
export function answering(body = "ok", headers = ""): (socket: Socket) => void {
  return (socket) => onRequests(socket, () => socket.write(answer(200, body, headers)));
}

/** A transport that may speak to loopback. */
export function loopback(options: TransportOptions = {}): Transport {
  return createTransport({ addressPolicy: { permit: ["127.0.0.0/8", "::1"] }, ...options });
}

/** A GET with half a minute to live. */
export function request(changes: Partial<ExchangeRequest> = {}): ExchangeRequest {
  return { method: "GET", path: "/", phase: "inspect", deadline: performance.now() + 30_000, ...changes };
}

export function upload(body: ExchangeRequest["body"], changes: Partial<ExchangeRequest> = {}): ExchangeRequest {
  return request({ method: "POST", path: "/update", phase: "send", ...(body && { body }), ...changes });
}

/** The error that a promise must reject with. */
export async function failure(promise: Promise<unknown>): Promise<FlashwaveError> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!isFlashwaveError(error)) throw error;
  return error;
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** A source that tells how often it was begun and given back. */
export class CountedChunks implements Chunks {
  readonly length: number;
  begun = 0;
  ended = 0;
  readonly #chunk: Buffer;
  readonly #resolvers = Promise.withResolvers<void>();

  constructor(length: number, chunk = 262_144) {
    this.length = length;
    this.#chunk = Buffer.alloc(Math.min(chunk, length), 0x5a);
  }

  /** Resolves when it was given back for the first time. */
  get released(): Promise<void> {
    return this.#resolvers.promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    this.begun++;
    try {
      for (let left = this.length; left > 0; left -= this.#chunk.length) {
        yield left < this.#chunk.length ? this.#chunk.subarray(0, left) : this.#chunk;
      }
    } finally {
      this.ended++;
      this.#resolvers.resolve();
    }
  }
}

/** Time that passes when told, tick by tick. */
export class StillClock implements Clock {
  #now = 1000;
  readonly #tickers = new Set<{ readonly ms: number; due: number; readonly tick: () => void }>();

  get ticking(): number {
    return this.#tickers.size;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return 0;
  }

  sleep(): Promise<void> {
    throw new Error("nothing in this room sleeps");
  }

  every(ms: number, tick: () => void): () => void {
    const ticker = { ms, due: this.#now + ms, tick };
    this.#tickers.add(ticker);
    return () => this.#tickers.delete(ticker);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#tickers].sort((a, b) => a.due - b.due)[0];
      if (next === undefined || next.due > end) break;
      this.#now = next.due;
      next.due += next.ms;
      next.tick();
    }
    this.#now = end;
  }
}
