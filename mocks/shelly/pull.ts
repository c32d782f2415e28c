import { createHash } from "node:crypto";
import { get, type IncomingMessage } from "node:http";
import { get as secureGet } from "node:https";

/** What goes wrong with one fetch. Places are bytes of the artifact. */
export type PullFault =
  /** The order is answered, and nothing is fetched. */
  | { readonly kind: "never" }
  /** The connection is reset at a byte. `resume`: the device comes back with a Range, or not at all. */
  | { readonly kind: "cut"; readonly at: number; readonly resume: boolean }
  /** Nothing is read from a byte on. */
  | { readonly kind: "stop-reading"; readonly at: number }
  | Stand
  /** A byte comes over wrong: the device finds the digest wrong, and installs nothing. */
  | { readonly kind: "corrupt" };

/** Reading stands still at a byte, tells so, and is given up in time: nothing is installed, though all had come. */
export interface Stand {
  readonly kind: "stand";
  readonly at: number;
  readonly reached: () => void;
  /** Aborts when it is given up. */
  readonly until: AbortSignal;
}

/** One request of a fetch, and what came of it. */
export interface PullRequest {
  /** The Range asked for. */
  readonly range?: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Body bytes taken. */
  readonly bytes: number;
}

/** A whole fetch. */
export interface Pull {
  readonly url: string;
  readonly requests: readonly PullRequest[];
  readonly outcome: "complete" | "incomplete" | "wrong-digest";
}

export interface PullOptions {
  readonly url: string;
  readonly fault?: PullFault | undefined;
  readonly signal: AbortSignal;
  /** PEM of the authorities that an https URL is checked against. */
  readonly ca?: string | undefined;
  /** The bytes, in order and each once. */
  readonly onBytes: (chunk: Buffer, headers: Readonly<Record<string, string>>) => void;
}

interface Position {
  at: number;
  length: number;
  etag: string | undefined;
}

const tries = 5;

/**
 * The client of a small device: one request after the other, each over a connection of its own, closed once the
 * announced length has been read. After a cut it goes on with Range and If-Range; a 200 then means "from the start",
 * and what it has already is skipped.
 */
export async function pull(options: PullOptions): Promise<Pull> {
  const { url } = options;
  const position: Position = { at: 0, length: Number.POSITIVE_INFINITY, etag: undefined };
  const requests: PullRequest[] = [];
  const hash = createHash("sha256");
  let { fault } = options;
  for (let time = 0; time < tries && !options.signal.aborted; time++) {
    const request = await once({ ...options, fault }, position, hash);
    requests.push(request);
    if (fault?.kind === "stand") {
      if (position.at >= position.length) await stood(fault, options.signal);
      break;
    }
    const digest = request.headers["repr-digest"];
    if (position.at >= position.length) {
      const right = digest === undefined || digest === `sha-256=:${hash.digest("base64")}:`;
      const outcome = right && fault?.kind !== "corrupt" ? "complete" : "wrong-digest";
      return { url, requests, outcome };
    }
    if (request.status !== 200 && request.status !== 206) break;
    if (fault?.kind === "cut" && !fault.resume) break;
    fault = undefined;
  }
  return { url, requests, outcome: "incomplete" };
}

async function once(
  { url, fault, signal, ca, onBytes }: PullOptions,
  position: Position,
  hash: ReturnType<typeof createHash>,
): Promise<PullRequest> {
  const range = position.at === 0 ? undefined : `bytes=${position.at}-`;
  const asked: Record<string, string> = { "user-agent": "shelly" };
  if (range !== undefined) Object.assign(asked, { range, ...(position.etag && { "if-range": position.etag }) });
  let bytes = 0;
  const seen = { status: 0, headers: {} as Record<string, string> };
  try {
    const response = await answerTo(url, asked, signal, ca);
    seen.status = response.statusCode ?? 0;
    seen.headers = flat(response);
    if (seen.status !== 200 && seen.status !== 206) {
      response.destroy();
      return result(range, seen, 0);
    }
    const length = Number(seen.headers["content-length"]);
    let skip = seen.status === 200 ? position.at : 0;
    position.length = seen.status === 200 ? length : position.at + length;
    position.etag = seen.headers["etag"];
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      const last = fault !== undefined && "at" in fault ? fault.at : Number.POSITIVE_INFINITY;
      const room = last - position.at;
      const taken = Buffer.from(fresh.subarray(0, Math.max(0, room)));
      if (fault?.kind === "corrupt" && position.at === 0 && taken.length > 0) taken[0] = (taken[0] ?? 0) ^ 1;
      hash.update(taken);
      onBytes(taken, seen.headers);
      position.at += taken.length;
      // Who stands at the very end has ended the connection in order.
      if (fault?.kind === "stand" && position.at >= position.length) continue;
      if (taken.length < fresh.length || position.at === last) {
        if (fault?.kind === "stop-reading") await aborted(signal);
        if (fault?.kind === "stand") await stood(fault, signal);
        response.socket.resetAndDestroy();
        break;
      }
    }
  } catch {
    // Whatever ends a connection: the next request goes on.
  }
  return result(range, seen, bytes);
}

const result = (
  range: string | undefined,
  { status, headers }: Pick<PullRequest, "status" | "headers">,
  bytes: number,
): PullRequest => ({ status, headers, bytes, ...(range !== undefined && { range }) });

function answerTo(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  ca: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { headers, agent: false as const, signal };
    const request = url.startsWith("https:")
      ? secureGet(url, { ...options, ...(ca !== undefined && { ca }) }, resolve)
      : get(url, options, resolve);
    request.on("error", reject);
  });
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function stood({ reached, until }: Stand, signal: AbortSignal): Promise<void> {
  reached();
  return aborted(AbortSignal.any([until, signal]));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
