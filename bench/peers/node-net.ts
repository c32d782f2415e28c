import { createConnection, type Socket } from "node:net";
import type { Context, Runner } from "../types.ts";
import { makeBody } from "./bodies.ts";
import { host, Lazy, pump, pushHeaders } from "./shared.ts";
import { readVersion } from "./undici-dispatch.ts";

/** One socket that writes a ready-made request and waits for an answer of known length: the limit, not a client. */
class Line {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #body: Buffer | undefined;
  readonly #parse: boolean;
  #done: ((error?: unknown) => void) | undefined;

  constructor(socket: Socket, request: Buffer, body: Buffer | undefined, parse: boolean) {
    this.#socket = socket;
    this.#request = request;
    this.#body = body;
    this.#parse = parse;
    socket.on("data", (chunk: Buffer) => this.#answer(chunk));
    socket.on("error", (error) => this.#done?.(error));
  }

  send(done: (error?: unknown) => void): void {
    // Fewer devices than pushes in flight would need: told, since a forgotten callback would never end.
    if (this.#done !== undefined) {
      done(new Error("A line carries one request at a time."));
      return;
    }
    this.#done = done;
    if (this.#body === undefined) {
      this.#socket.write(this.#request);
      return;
    }
    this.#socket.cork();
    this.#socket.write(this.#request);
    this.#socket.write(this.#body);
    this.#socket.uncork();
  }

  /** The server's answers are short: each comes in one piece. */
  #answer(chunk: Buffer): void {
    const done = this.#done;
    this.#done = undefined;
    // "HTTP/1.1 2"
    if (chunk[9] !== 0x32) done?.(new Error("wrong status"));
    else if (this.#parse && readVersion(chunk.subarray(chunk.indexOf("\r\n\r\n") + 4)) !== "2.4.0")
      done?.(new Error("wrong version"));
    else done?.();
  }

  close(): void {
    this.#socket.destroy();
  }
}

export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const get = parameters.method === "GET";
  const bytes = parameters.bytes ?? 0;
  const body = get ? Buffer.alloc(0) : (await makeBody(parameters, file))();
  if (!Buffer.isBuffer(body)) throw new Error("A raw socket is measured with bytes in memory only.");
  const small = body.length < 65_536;
  const lines = new Lazy(parameters.devices, (index) => {
    const socket = createConnection({ host: host(index), port, noDelay: true, autoSelectFamily: false });
    const head = get ? getHead(index, port) : pushHead(index, port, bytes);
    return new Line(socket, Buffer.concat(small ? [head, body] : [head]), small ? undefined : body, get);
  });
  return {
    run: (ops) => pump(parameters.inFlight, ops, (index, done) => lines.at(index).send(done)),
    close: () => {
      for (const line of lines.made()) line.close();
    },
  };
}

function getHead(index: number, port: number): Buffer {
  return Buffer.from(`GET /version HTTP/1.1\r\nhost: ${host(index)}:${port}\r\n\r\n`);
}

function pushHead(index: number, port: number, bytes: number): Buffer {
  let head = `POST /update HTTP/1.1\r\nhost: ${host(index)}:${port}\r\n`;
  for (let i = 0; i < pushHeaders.length; i += 2) head += `${pushHeaders[i]}: ${pushHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}content-length: ${bytes}\r\n\r\n`);
}
