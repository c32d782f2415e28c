import { expect, test } from "vitest";
import { MalformedRequest, RequestParser } from "./parser.ts";
import type { RequestHead } from "./records.ts";

interface Parsed {
  readonly head: RequestHead;
  body: string;
  whole: boolean;
}

/** Feeds pieces as a connection does: what was not used is put before the next. */
function parse(pieces: Iterable<Buffer>, room: () => number = () => Number.POSITIVE_INFINITY): Parsed[] {
  const parsed: Parsed[] = [];
  const parser = new RequestParser({
    onHead: (head) => parsed.push({ head, body: "", whole: false }),
    room,
    onBody: (chunk) => {
      const last = parsed.at(-1);
      if (last) last.body += chunk.toString("latin1");
    },
    onEnd: () => {
      const last = parsed.at(-1);
      if (last) last.whole = true;
    },
  });
  let waiting: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    waiting = Buffer.concat([waiting, piece]);
    for (let more = true; more && waiting.length > 0; ) ({ rest: waiting, more } = parser.read(waiting));
  }
  return parsed;
}

const text = (string: string) => [Buffer.from(string, "latin1")];
const bytewise = (string: string) => [...Buffer.from(string, "latin1")].map((byte) => Buffer.from([byte]));

const post = "POST /update?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Two: 1\r\nx-two: 2\r\n\r\nhello";
const chunked =
  "PUT /u HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n";
const get = "GET /version HTTP/1.0\r\n\r\n";

test.each([
  ["at once", text],
  ["byte by byte", bytewise],
])("reads lengths, chunks and the requests behind them, %s", (_, pieces) => {
  const [one, two, three, ...none] = parse(pieces(post + chunked + get));
  expect(none).toEqual([]);
  expect(one).toMatchObject({ body: "hello", whole: true, head: { method: "POST", path: "/update?x=1" } });
  expect(one?.head.headers).toEqual({ host: "a", "content-length": "5", "x-two": "1, 2" });
  expect(one?.head.rawHeaders.slice(-2)).toEqual(["x-two", "2"]);
  expect(two).toMatchObject({ body: "abc0123456789", whole: true });
  expect(three).toMatchObject({ body: "", whole: true, head: { httpVersion: "1.0" } });
});

test("a half request is not whole", () => {
  expect(parse(text(post.slice(0, -1)))).toMatchObject([{ body: "hell", whole: false }]);
  expect(parse(text(post.slice(0, 20)))).toEqual([]);
});

test("hands out no more than there is room for", () => {
  const sizes: number[] = [];
  const parser = new RequestParser({
    onHead: () => {},
    room: () => 2,
    onBody: (chunk) => sizes.push(chunk.length),
    onEnd: () => sizes.push(-1),
  });
  let rest: Buffer = Buffer.from(post);
  while (rest.length > 0) ({ rest } = parser.read(rest));
  expect(sizes).toEqual([2, 2, 1, -1]);
});

const wrap = (headers: string, line = "POST / HTTP/1.1") => `${line}\r\n${headers}\r\n\r\n`;

test.each([
  ["a bare word", "hello\r\n\r\n"],
  ["HTTP/2", wrap("host: a", "GET / HTTP/2.0")],
  ["a space in the path", wrap("host: a", "GET /a b HTTP/1.1")],
  ["a control character in the path", wrap("host: a", "GET /a\x01 HTTP/1.1")],
  ["a high byte in the path", wrap("host: a", "GET /\xe9 HTTP/1.1")],
  ["two spaces", wrap("host: a", "GET  / HTTP/1.1")],
  ["no host", wrap("x: y")],
  ["two hosts", wrap("host: a\r\nhost: b")],
  ["a header without a name", wrap("host: a\r\n: b")],
  ["a space before the colon", wrap("host: a\r\nx : b")],
  ["a folded header", wrap("host: a\r\nx: b\r\n c")],
  ["NUL in a value", wrap("host: a\r\nx: a\x00b")],
  ["a bare CR in a value", wrap("host: a\r\nx: a\rb")],
  ["a bare LF in a value", wrap("host: a\r\nx: a\nb")],
  ["two lengths", wrap("host: a\r\ncontent-length: 1\r\ncontent-length: 1")],
  ["a negative length", wrap("host: a\r\ncontent-length: -1")],
  ["a length with a sign", wrap("host: a\r\ncontent-length: +1")],
  ["a length and chunks", wrap("host: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked")],
  ["an unknown coding", wrap("host: a\r\ntransfer-encoding: gzip, chunked")],
  ["a chunk size that is none", `${wrap("host: a\r\ntransfer-encoding: chunked")}xyz\r\n`],
  ["a chunk longer than it says", `${wrap("host: a\r\ntransfer-encoding: chunked")}1\r\nab\r\n`],
  ["a head without end", `GET / HTTP/1.1\r\nx: ${"a".repeat(70_000)}`],
])("%s is malformed", (_, request) => {
  expect(() => parse(text(request))).toThrow(MalformedRequest);
});
