import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";

/* Two clients without opinions, for the simulator's own tests: the product must not be the judge of its judge. */

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** One request over one new connection, with node's own client. */
export async function ask(url: string, { method = "GET", headers = {}, body = "" }: AskOptions = {}): Promise<Asked> {
  const length = body.length > 0 || method !== "GET" ? { "content-length": String(Buffer.byteLength(body)) } : {};
  const sent = request(url, { method, headers: { ...length, ...headers }, agent: false });
  sent.end(body);
  const [reply] = await once(sent, "response");
  const text = (await reply.setEncoding("utf8").toArray()).join("");
  const json = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: reply.statusCode, headers: reply.headers, text, json };
}

/** A plain connection that keeps what came and how it ended. */
export class RawClient implements AsyncDisposable {
  readonly socket: Socket;
  /** All that came, latin1. */
  text = "";
  /** `fin`: an orderly end. `rst`: a reset. */
  readonly ended: Promise<"fin" | "rst">;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port) });
    this.socket.setEncoding("latin1").on("data", (text: string) => {
      this.text += text;
      this.socket.emit("more");
    });
    this.ended = new Promise((resolve) => {
      this.socket.once("end", () => resolve("fin")).once("error", () => resolve("rst"));
    });
  }

  send(bytes: Uint8Array | string): this {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves with all that came, as soon as it holds `wanted`. */
  async until(wanted: string | RegExp): Promise<string> {
    while (!(typeof wanted === "string" ? this.text.includes(wanted) : wanted.test(this.text))) {
      await Promise.race([
        once(this.socket, "more"),
        this.ended.then((how) => Promise.reject(new Error(`ended: ${how}`))),
      ]);
    }
    return this.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    if (!this.socket.closed) await once(this.socket, "close").catch(() => {});
  }
}

/** The text of a request with a body of `length` bytes, of which `body` may be only the beginning. */
export function requestText(path: string, body = "", length: number = body.length, method = "POST"): string {
  return `${method} ${path} HTTP/1.1\r\nhost: device\r\ncontent-length: ${length}\r\n\r\n${body}`;
}

export function getText(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: device\r\n\r\n`;
}
