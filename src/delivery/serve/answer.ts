import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Gone, parted, pour } from "./body.ts";
import type { Offer } from "./offer.ts";
import type { Settings } from "./options.ts";
import { selectRange } from "./range.ts";

/** What leads nowhere says nothing: the same few bytes for every path, method and token that is none. */
export function refuse(response: ServerResponse, status = 404, headers: Readonly<Record<string, string>> = {}): void {
  // The connection ends with it: nobody who guesses is to guess cheaply, and no body is read.
  const empty = status === 304 ? {} : { "content-length": 0 };
  response.writeHead(status, { ...empty, connection: "close", ...headers }).end();
}

/**
 * Answers a GET or HEAD for an offer. Nothing here may be kept by a cache: the URL is for one device, once.
 *
 * @returns once the connection has ended, or is free for another request
 */
export async function answer(
  offer: Offer,
  request: IncomingMessage,
  response: ServerResponse,
  settings: Settings,
): Promise<void> {
  const { length, digest } = offer.payload.artifact;
  const condition = preconditions(request, offer.etag);
  if (condition !== undefined) return refuse(response, condition, { etag: offer.etag });
  const get = request.method === "GET";
  // RFC 9110 §14.2: Range means something for GET alone.
  const range = get ? request.headers.range : undefined;
  const selection = selectRange(range, ifRangeOf(request), offer.etag, length);
  if (selection.kind === "unsatisfiable") return refuse(response, 416, { "content-range": `bytes */${length}` });
  const { start, end } = selection.kind === "part" ? selection : { start: 0, end: length };
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": end - start,
    "accept-ranges": "bytes",
    etag: offer.etag,
    "repr-digest": `sha-256=:${Buffer.from(digest, "hex").toString("base64")}:`,
    "cache-control": "no-store",
    ...(selection.kind === "part" && { "content-range": `bytes ${start}-${end - 1}/${length}` }),
  };
  if (!get) {
    response.writeHead(200, headers).end();
    return;
  }
  response.writeHead(selection.kind === "part" ? 206 : 200, { ...headers, connection: "close" });
  await give(offer, response, start, end, settings);
}

/** Sends the bytes, and learns from the end of the connection whether they came over. */
async function give(
  offer: Offer,
  response: ServerResponse,
  start: number,
  end: number,
  { clock, stall }: Settings,
): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  const cut = () => socket.destroy();
  offer.signal.addEventListener("abort", cut, { once: true });
  let at = start;
  const answering = offer.begins(start);
  const onWrite = (bytes: number) => {
    answering.handed = at + bytes;
    offer.leaves(at);
  };
  const onFlushed = (bytes: number) => {
    at += bytes;
    offer.left(at - bytes, at);
  };
  try {
    await pour(offer.payload.slice(start, end), { response, socket, offer, clock, stall, onWrite, onFlushed });
    offer.ended(answering, await parted(socket, stall));
  } catch (error) {
    // Cut short and never completed: the length was announced, so no client takes it for whole.
    socket.destroy();
    // What was on its way may have come over in part.
    offer.ended(answering, false);
    if (!(error instanceof Gone) && !offer.signal.aborted) offer.fail(error);
  } finally {
    offer.signal.removeEventListener("abort", cut);
  }
}

/** RFC 9110 §13.2.2, for a representation that has a tag and no date. Nothing: go on. */
function preconditions({ headers }: IncomingMessage, etag: string): number | undefined {
  const { "if-match": match, "if-none-match": none } = headers;
  if (match !== undefined && !matches(match, etag, "strong")) return 412;
  if (none !== undefined && matches(none, etag, "weak")) return 304;
  return undefined;
}

function matches(field: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (field.trim() === "*") return true;
  const tags = field.split(",").map((tag) => tag.trim());
  return tags.some((tag) => tag === etag || (comparison === "weak" && tag === `W/${etag}`));
}

function ifRangeOf({ headers }: IncomingMessage): string | undefined {
  const value = headers["if-range"];
  return Array.isArray(value) ? value.join(", ") : value;
}
