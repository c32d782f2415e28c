import { STATUS_CODES } from "node:http";

/** A right answer, before anything spoils it. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, when there is no `json`. */
  readonly body?: string;
  readonly json?: Readonly<Record<string, unknown>>;
}

export function bodyOf(reply: Reply): string {
  return reply.json === undefined ? (reply.body ?? "") : JSON.stringify(reply.json);
}

/** Status line and headers without the blank line; `framing` stands for the length where there is none to tell. */
export function headOf(reply: Reply, framing: Readonly<Record<string, string>>): string {
  const type = reply.json === undefined ? "text/plain; charset=utf-8" : "application/json";
  const headers = { "content-type": type, ...reply.headers, ...framing };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? "Scripted"}\r\n${lines.join("")}`;
}

/** The whole answer. 1xx, 204 and 304 have no body and no length (RFC 9110 §8.6). */
export function wholeReply(reply: Reply, extra: Readonly<Record<string, string>> = {}): Buffer {
  if (reply.status < 200 || reply.status === 204 || reply.status === 304) {
    return Buffer.from(`${headOf(reply, extra)}\r\n`, "latin1");
  }
  const body = Buffer.from(bodyOf(reply));
  const head = headOf(reply, { "content-length": String(body.length), ...extra });
  return Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), body]);
}
