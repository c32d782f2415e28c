import type { RequestHead } from "./records.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/(1\.[01])$/;
const controls = /[^\t\x20-\x7e\x80-\xff]/;
const maximumHead = 65_536;

/** A request that is not HTTP/1.x as RFC 9112 has it. */
export class MalformedRequest extends Error {}

export interface RequestEvents {
  onHead(head: RequestHead): void;
  /** How many bytes `onBody` wants at most, at least 1. */
  room(): number;
  onBody(chunk: Buffer): void;
  onEnd(): void;
}

type State =
  | { readonly at: "head" | "chunk-size" | "chunk-end" | "trailers" }
  | { readonly at: "body" | "chunk"; left: number };

/**
 * Reads requests strictly and without mercy: what a lenient server would guess at is an error here, so that the
 * simulator is a witness of well-formed requests too. It stops after each request, and is given the rest later.
 */
export class RequestParser {
  #events: RequestEvents;
  #state: State = { at: "head" };

  constructor(events: RequestEvents) {
    this.#events = events;
  }

  /**
   * Takes what it can of `bytes`. @returns what it could not use yet; `more` false when only further bytes help.
   * @throws MalformedRequest
   */
  read(bytes: Buffer): { rest: Buffer; more: boolean } {
    const state = this.#state;
    if (state.at === "body" || state.at === "chunk") return this.#readBody(bytes, state);
    const end = bytes.indexOf(state.at === "head" ? "\r\n\r\n" : "\r\n", 0, "latin1");
    if (end === -1) {
      if (bytes.length > maximumHead) throw new MalformedRequest("the head is too long");
      return { rest: bytes, more: false };
    }
    const text = bytes.toString("latin1", 0, end);
    const rest = bytes.subarray(end + (state.at === "head" ? 4 : 2));
    if (state.at === "head") this.#readHead(text);
    else this.#readChunkLine(text, state.at);
    return { rest, more: true };
  }

  #readBody(bytes: Buffer, state: Extract<State, { left: number }>): { rest: Buffer; more: boolean } {
    const part = bytes.subarray(0, Math.min(state.left, this.#events.room()));
    state.left -= part.length;
    const last = state.left === 0;
    if (last) this.#state = { at: state.at === "body" ? "head" : "chunk-end" };
    this.#events.onBody(part);
    if (last && state.at === "body") this.#events.onEnd();
    return { rest: bytes.subarray(part.length), more: true };
  }

  #readHead(text: string): void {
    const { head, framing } = parseHead(text);
    if (framing === "chunked") this.#state = { at: "chunk-size" };
    else if (framing > 0) this.#state = { at: "body", left: framing };
    this.#events.onHead(head);
    if (framing === 0) this.#events.onEnd();
  }

  #readChunkLine(line: string, at: "chunk-size" | "chunk-end" | "trailers"): void {
    if (at === "chunk-end") {
      if (line !== "") throw new MalformedRequest("a chunk is longer than its size");
      this.#state = { at: "chunk-size" };
    } else if (at === "chunk-size") {
      const size = /^([0-9a-fA-F]{1,12})(?:;.*)?$/.exec(line)?.[1];
      if (size === undefined) throw new MalformedRequest("a chunk size is no number");
      const left = Number.parseInt(size, 16);
      this.#state = left === 0 ? { at: "trailers" } : { at: "chunk", left };
    } else if (line === "") {
      this.#state = { at: "head" };
      this.#events.onEnd();
    }
  }
}

function parseHead(text: string): { head: RequestHead; framing: number | "chunked" } {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method = "", path = "", httpVersion] = requestLine.exec(first) ?? [];
  if (httpVersion !== "1.0" && httpVersion !== "1.1") throw new MalformedRequest("the request line is wrong");
  const headers: Record<string, string> = Object.create(null);
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    if (colon < 1 || !token.test(name)) throw new MalformedRequest("a header has no proper name");
    if (controls.test(value)) throw new MalformedRequest("a header value holds a control character");
    rawHeaders.push(name, value);
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
  if (hosts > 1 || (httpVersion === "1.1" && hosts === 0)) throw new MalformedRequest("there must be one Host header");
  const head: RequestHead = { method, path, httpVersion, headers: { ...headers }, rawHeaders };
  return { head, framing: framingOf(headers) };
}

/** RFC 9112 §6.3, without the guesses it permits. */
function framingOf(headers: Record<string, string>): number | "chunked" {
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding !== undefined && length !== undefined) throw new MalformedRequest("a length and a coding contradict");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") throw new MalformedRequest("the coding is unknown");
  if (coding !== undefined) return "chunked";
  if (length === undefined) return 0;
  if (!/^\d{1,15}$/.test(length)) throw new MalformedRequest("the length is no number");
  return Number(length);
}
