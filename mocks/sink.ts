import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";

export interface SinkOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  /** Hashes each body and answers its SHA-256: the cost of an honest receiver. @default false */
  readonly hash?: boolean;
  /** What a GET is answered. @default {"version":"1.0.0"} */
  readonly json?: string;
}

export interface SinkCounters {
  readonly requests: number;
  /** Body bytes. */
  readonly bytes: number;
  readonly connections: number;
  /** SHA-256 of the latest body, where bodies are hashed. */
  readonly lastDigest: string;
}

export interface Sink extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  counters(): SinkCounters;
  reset(): void;
  close(): Promise<void>;
}

type Tally = { -readonly [K in keyof SinkCounters]: SinkCounters[K] };

const answerOf = (body: string, type: string): Buffer =>
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

const lengthField = /\r\ncontent-length: *(\d+)/i;
const blankLine = Buffer.from("\r\n\r\n");
const noBytes: Buffer = Buffer.alloc(0);

/** Reads requests one after the other: head, `content-length` bytes, answer. Knows nothing else of HTTP. */
class SinkConnection {
  #socket: Socket;
  #tally: Tally;
  #answers: { readonly get: Buffer; readonly send: Buffer };
  #hashing: boolean;
  #head: Buffer = noBytes;
  #left = 0;
  #hash: Hash | undefined;

  constructor(
    socket: Socket,
    tally: Tally,
    answers: { readonly get: Buffer; readonly send: Buffer },
    hashing: boolean,
  ) {
    this.#socket = socket;
    this.#tally = tally;
    this.#answers = answers;
    this.#hashing = hashing;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#left > 0 ? this.#body(rest) : this.#begin(rest);
  }

  #begin(chunk: Buffer): Buffer {
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(blankLine);
    if (end === -1) {
      this.#head = bytes;
      return noBytes;
    }
    this.#head = noBytes;
    this.#tally.requests++;
    if (bytes[0] === 0x47) this.#socket.write(this.#answers.get);
    else {
      this.#left = Number(lengthField.exec(bytes.toString("latin1", 0, end))?.[1] ?? 0);
      if (this.#hashing) this.#hash = createHash("sha256");
      if (this.#left === 0) this.#done();
    }
    return bytes.subarray(end + 4);
  }

  #body(chunk: Buffer): Buffer {
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= part.length;
    this.#tally.bytes += part.length;
    this.#hash?.update(part);
    if (this.#left === 0) this.#done();
    return part === chunk ? noBytes : chunk.subarray(part.length);
  }

  #done(): void {
    if (this.#hash) this.#tally.lastDigest = this.#hash.digest("hex");
    this.#socket.write(this.#hash ? answerOf(this.#tally.lastDigest, "text/plain") : this.#answers.send);
  }
}

/**
 * The cheapest receiver there is, so that a benchmark measures the sender: raw sockets, keep-alive, a fixed 200 to
 * whatever was sent and fixed JSON to a GET. It speaks just enough HTTP for clients that name a length.
 */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const { host = "127.0.0.1", port = 0, hash = false, json = '{"version":"1.0.0"}' } = options;
  const zero: Tally = { requests: 0, bytes: 0, connections: 0, lastDigest: "" };
  const tally = { ...zero };
  const answers = { get: answerOf(json, "application/json"), send: answerOf("ok", "text/plain") };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    tally.connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    new SinkConnection(socket, tally, answers, hash);
  });
  server.listen({ host, port, backlog: 4096 });
  await once(server, "listening");
  const address = server.address();
  const bound = address !== null && typeof address === "object" ? address.port : port;
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    counters: () => ({ ...tally }),
    reset: () => void Object.assign(tally, zero),
    close,
    [Symbol.asyncDispose]: close,
  };
}
