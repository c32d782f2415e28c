import { deflateRawSync, gzipSync } from "node:zlib";
import {
  type Behaviour,
  chunk,
  chunked,
  claim,
  drop,
  endless,
  head,
  length,
  one,
  reply,
  several,
  whole,
} from "./behaviour.ts";

const coded = (coding: string, body = `${chunk}0\r\n\r\n`, ending?: "serve") =>
  one(`transfer-encoding ${JSON.stringify(coding)}`, `${head}transfer-encoding: ${coding}\r\n\r\n${body}`, ending);
const long = (text: string) => `${head}content-length: ${text}\r\n\r\n${claim}`;
const bomb = gzipSync(Buffer.alloc(50_000_000)).toString("latin1");
const deflated = deflateRawSync(Buffer.alloc(1_000_000)).toString("latin1");

const lengths: readonly Behaviour[] = [
  one("a length above the cap", long("1048577"), "mute"),
  one("a length of 2^53", long("9007199254740992")),
  one("a length of 2^64", long("18446744073709551616")),
  one("a length of 0 before a body", long("0"), "mute"),
  one("a length with a fraction", long("19.0")),
  one("a length with an exponent", long("1e1")),
  one("a length with a blank inside", long("1 9")),
  one("a length with a NUL", long("19\0")),
  one("the same length twice", `${head}${length}${length}\r\n${claim}`),
  one("a length and no body, silence", `${head}${length}\r\n`, "mute"),
  one("a length and no body, reset", `${head}${length}\r\n`, "rst"),
  one("half a body, silence", `${head}${length}\r\n${claim.slice(0, 9)}`, "mute"),
  one("half a body, reset", `${head}${length}\r\n${claim.slice(0, 9)}`, "rst"),
  one("a body to the end of the connection, reset", `${head}\r\n${claim}`, "rst"),
  one("a body to the end of the connection that never comes", `${head}\r\n${claim}`, "mute"),
  several("a body without end, to the end of the connection", [
    { write: `${head}\r\n` },
    { write: "        ", times: endless },
  ]),
  several("a body that drips", [
    { write: `${head}content-length: 900000\r\n\r\n` },
    { write: " ", times: endless, everyMs: drop },
  ]),
  one(
    "HTTP/1.0 that keeps the connection",
    `HTTP/1.0 200 OK\r\n${length}connection: keep-alive\r\n\r\n${claim}`,
    "serve",
  ),
  one("HTTP/1.0 with chunks", `HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`),
];

const chunks: readonly Behaviour[] = [
  one("whole chunks", `${chunked}${chunk}0\r\n\r\n`, "serve"),
  one("chunks without the last, silence", `${chunked}${chunk}`, "mute"),
  one("chunks without the last, reset", `${chunked}${chunk}`, "rst"),
  one("a last chunk without its end", `${chunked}${chunk}0\r\n`),
  several("chunks of one byte without end", [{ write: chunked }, { write: "1\r\na\r\n", times: endless }]),
  several("a chunk's extension without end", [{ write: `${chunked}13;` }, { write: "a=b;", times: endless }]),
  several("a chunk's extension that drips", [
    { write: `${chunked}13;` },
    { write: "a", times: endless, everyMs: drop },
  ]),
  several("a chunk's size without end", [{ write: chunked }, { write: "0", times: endless }]),
  several("a chunk's size that drips", [{ write: chunked }, { write: "0", times: endless, everyMs: drop }]),
  several("trailers without end", [{ write: `${chunked}${chunk}0\r\n` }, { write: "x-a: b\r\n", times: endless }]),
  several("trailers that drip", [
    { write: `${chunked}${chunk}0\r\n` },
    { write: "x-a: b\r\n", times: endless, everyMs: drop },
  ]),
  one("a chunk with leading zeros", `${chunked}0000${chunk}0\r\n\r\n`, "serve"),
  one("a chunk's size with 0x", `${chunked}0x${chunk}0\r\n\r\n`),
  one("a chunk's size with a blank before it", `${chunked} ${chunk}0\r\n\r\n`),
  one("a chunk of 2 GiB", `${chunked}7fffffff\r\n${claim}`),
  one("a chunk of 2^64 bytes", `${chunked}10000000000000000\r\n${claim}`),
  one("a chunk's extension with quotes", `${chunked}13;a="\r\n"\r\n${claim}\r\n0\r\n\r\n`),
  one("a trailer that names a length", `${chunked}${chunk}0\r\ncontent-length: 5\r\n\r\n`, "serve"),
  one("a NUL for a chunk's size", `${chunked}\0\r\n${claim}\r\n0\r\n\r\n`),
];

const codings: readonly Behaviour[] = [
  ...["Chunked", "xchunked", "chunked;a=b", "identity", "\x0bchunked", "gzip, chunked", "chunked, identity", ""].map(
    (name) => coded(name),
  ),
  one(
    "two codings on two lines",
    `${head}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`,
  ),
  one(
    "chunks and their own length",
    `${head}content-length: 30\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`,
  ),
  one("a gzip bomb", reply(200, "content-encoding: gzip\r\n", bomb), "serve"),
  one("deflated zeros", reply(200, "content-encoding: deflate\r\n", deflated), "serve"),
  one("gzip that is none", reply(200, "content-encoding: gzip\r\n"), "serve"),
  one("ten codings over each other", reply(200, `content-encoding: ${"gzip, ".repeat(9)}gzip\r\n`), "serve"),
];

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const contents: readonly Behaviour[] = [
  ...(
    [
      ["no bytes at all", ""],
      ["JSON 100,000 deep", deep(100_000)],
      ["JSON 40 deep", `{"version":"9.9.9","a":${deep(40)}}`],
      ["JSON of 900 KB", `{"version":"9.9.9","a":"${"a".repeat(900_000)}"}`],
      ["100,000 members", `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":0`).join()}}`],
      ["a number of 100,000 digits", `{"version":${"9".repeat(100_000)}}`],
      ["a version of 100,000 letters", `{"version":"${"9".repeat(100_000)}"}`],
      ["JSON that is cut", '{"version":"9.'],
      ["null", "null"],
      ["a list", '["9.9.9"]'],
      ["a version that is a list", '{"version":["9.9.9"]}'],
      ["a version that is null", '{"version":null}'],
      ["a prototype", '{"__proto__":{"version":"9.9.9"}}'],
      ["UTF-16", "\xff\xfe{\0}\0"],
      ["no UTF-8", '{"version":"9.9.9\xff\xfe\xc3\x28"}'],
      ["an overlong UTF-8", '{"version":"9.9.9\xc0\xaf"}'],
      ["NUL in JSON", '{"version":"9.9.9\0"}'],
      ["an escaped NUL", '{"version":"9.9.9\\u0000"}'],
      ["half a surrogate", '{"version":"9.9.9\\ud800"}'],
      ["an escape sequence of a terminal", '{"version":"9.9.9\\u001b[2J"}'],
      ["letters that run backwards", '{"version":"9.9.9\\u202e"}'],
      ["HTML", "<html><script>alert(1)</script></html>"],
      ["NUL alone", "\0".repeat(1_000)],
    ] as const
  ).map(([name, body]) => one(name, reply(200, "", body), "serve")),
];

const behind: readonly Behaviour[] = [
  one("a whole answer, and a reset", whole, "rst"),
  one("a whole answer, and silence", whole, "mute"),
  one(
    "a whole answer that says close and does not",
    whole.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"),
    "mute",
  ),
  one(
    "a whole answer that contradicts itself on closing",
    whole.replace("\r\n\r\n", "\r\nconnection: close, keep-alive\r\n\r\n"),
    "serve",
  ),
  one("an answer too many", `${whole}${whole}`, "serve"),
  one("a hundred answers too many", whole.repeat(100), "serve"),
  several("an answer too many, a little later", [{ write: whole }, { waitMs: 5 }, { write: whole }], "serve"),
  one("garbage behind the answer", `${whole}${"garbage".repeat(1_000)}`, "serve"),
  several("garbage without end behind the answer", [{ write: whole }, { write: "garbage!", times: endless }]),
  one("half an answer too many", `${whole}HTTP/1.1 200 OK\r\ncontent-le`, "serve"),
  one("a keep-alive of no time", whole.replace("\r\n\r\n", "\r\nkeep-alive: timeout=0\r\n\r\n"), "serve"),
  one("a keep-alive of less than none", whole.replace("\r\n\r\n", "\r\nkeep-alive: timeout=-1\r\n\r\n"), "serve"),
  one("a keep-alive for ever", whole.replace("\r\n\r\n", "\r\nkeep-alive: timeout=99999999999999\r\n\r\n"), "serve"),
  one("a keep-alive of letters", whole.replace("\r\n\r\n", "\r\nkeep-alive: timeout=NaN, max=zero\r\n\r\n"), "serve"),
];

/** What a device may do to the body of an answer, and behind it. */
export const bodyBehaviours: readonly Behaviour[] = [...lengths, ...chunks, ...codings, ...contents, ...behind];
