const json = '{"version":"9.9.9"}';
const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n`;
const length = `content-length: ${json.length}\r\n`;

/**
 * Replies that are not what HTTP/1.1 (RFC 9112) allows, or stop half-way, as latin1 text. A client must settle on
 * every one of them, and must not believe those of which a part is readable.
 */
export const malformedReplies: Readonly<Record<string, string>> = Object.freeze({
  // Status line, RFC 9112 §4.
  "no-http": "I am not a web server\r\n\r\n",
  "binary-noise": "\x00\x01\x02\xff\xfe\x80\x7f\x16\x03\x01".repeat(20),
  "tls-alert": "\x15\x03\x01\x00\x02\x02\x46",
  "ssh-banner": "SSH-2.0-dropbear_2022.83\r\n",
  "http-0.9": json,
  "version-9": `HTTP/9.9 200 OK\r\n${length}\r\n${json}`,
  "http-2-preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "lower-case-http": `http/1.1 200 OK\r\n${length}\r\n${json}`,
  icy: `ICY 200 OK\r\n${length}\r\n${json}`,
  "leading-space": ` ${head}${length}\r\n${json}`,
  "status-two-digits": `HTTP/1.1 20 OK\r\n${length}\r\n${json}`,
  "status-four-digits": `HTTP/1.1 2000 OK\r\n${length}\r\n${json}`,
  "status-zero": `HTTP/1.1 000 Nothing\r\n${length}\r\n${json}`,
  "status-letters": `HTTP/1.1 OK 200\r\n${length}\r\n${json}`,
  "status-negative": `HTTP/1.1 -200 OK\r\n${length}\r\n${json}`,
  "status-999": `HTTP/1.1 999 Unknown\r\n${length}\r\n${json}`,
  "status-missing": `HTTP/1.1\r\n${length}\r\n${json}`,
  "nul-in-reason": `HTTP/1.1 200 O\x00K\r\n${length}\r\n${json}`,
  // Header fields, §5.
  "header-without-colon": `${head}this is no header\r\n${length}\r\n${json}`,
  "header-space-before-colon": `${head}content-length : ${json.length}\r\n\r\n${json}`,
  "header-empty-name": `${head}: value\r\n${length}\r\n${json}`,
  "header-nul": `${head}x-name: a\x00b\r\n${length}\r\n${json}`,
  "header-name-nul": `${head}x\x00name: a\r\n${length}\r\n${json}`,
  "header-control": `${head}x-name: a\x01\x1b[31mb\r\n${length}\r\n${json}`,
  "header-bare-cr": `${head}x-name: a\rb\r\n${length}\r\n${json}`,
  "header-bare-lf": `HTTP/1.1 200 OK\ncontent-length: ${json.length}\n\n${json}`,
  "header-folded": `${head}x-name: a\r\n b\r\n${length}\r\n${json}`,
  "header-high-bytes": `${head}x-name: \xff\xfe\xc3\x28\r\n${length}\r\n${json}`,
  "header-proto": `${head}__proto__: polluted\r\nconstructor: polluted\r\n${length}\r\n${json}`,
  // Length, §6.
  "length-twice": `${head}content-length: ${json.length}\r\ncontent-length: 5\r\n\r\n${json}`,
  "length-list": `${head}content-length: ${json.length}, 5\r\n\r\n${json}`,
  "length-negative": `${head}content-length: -1\r\n\r\n${json}`,
  "length-plus": `${head}content-length: +${json.length}\r\n\r\n${json}`,
  "length-hexadecimal": `${head}content-length: 0x13\r\n\r\n${json}`,
  "length-letters": `${head}content-length: many\r\n\r\n${json}`,
  "length-empty": `${head}content-length: \r\n\r\n${json}`,
  "length-huge": `${head}content-length: 99999999999999999999999\r\n\r\n${json}`,
  "length-too-long": `${head}content-length: ${json.length + 100}\r\n\r\n${json}`,
  "length-too-short": `${head}content-length: 5\r\n\r\n${json}`,
  "length-and-chunked": `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n13\r\n${json}\r\n0\r\n\r\n`,
  "coding-unknown": `${head}transfer-encoding: x-unknown\r\n\r\n${json}`,
  "coding-chunked-twice": `${head}transfer-encoding: chunked, chunked\r\n\r\n13\r\n${json}\r\n0\r\n\r\n`,
  "coding-not-last": `${head}transfer-encoding: chunked, gzip\r\n\r\n13\r\n${json}\r\n0\r\n\r\n`,
  // Chunks, §7.1.
  "chunk-size-letters": `${head}transfer-encoding: chunked\r\n\r\nzz\r\n${json}\r\n0\r\n\r\n`,
  "chunk-size-empty": `${head}transfer-encoding: chunked\r\n\r\n\r\n${json}\r\n0\r\n\r\n`,
  "chunk-size-huge": `${head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n${json}\r\n0\r\n\r\n`,
  "chunk-size-negative": `${head}transfer-encoding: chunked\r\n\r\n-13\r\n${json}\r\n0\r\n\r\n`,
  "chunk-too-long": `${head}transfer-encoding: chunked\r\n\r\n5\r\n${json}\r\n0\r\n\r\n`,
  "chunk-no-end": `${head}transfer-encoding: chunked\r\n\r\n13\r\n${json}\r\n`,
  "chunk-bare-lf": `${head}transfer-encoding: chunked\r\n\r\n13\n${json}\n0\n\n`,
  "chunk-trailer-bad": `${head}transfer-encoding: chunked\r\n\r\n13\r\n${json}\r\n0\r\nno colon\r\n\r\n`,
  // Cut off.
  empty: "",
  "only-crlf": "\r\n\r\n",
  "truncated-status": "HTTP/1.1 20",
  "truncated-header": "HTTP/1.1 200 OK\r\ncontent-le",
  "truncated-head": `${head}${length}`,
  "truncated-body": `${head}${length}\r\n${json.slice(0, 9)}`,
  "no-length": `${head}\r\n${json}`,
  // One reply too many, or of the wrong kind.
  "garbage-after": `${head}${length}\r\n${json}garbage after the reply`,
  "second-reply": `${head}${length}\r\n${json}HTTP/1.1 200 OK\r\n${length}\r\n${json}`,
  "unsolicited-continue": `HTTP/1.1 100 Continue\r\n\r\n${head}${length}\r\n${json}`,
  "only-continue": "HTTP/1.1 100 Continue\r\n\r\n",
  "switching-protocols": "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  "no-content-with-body": `HTTP/1.1 204 No Content\r\n${length}\r\n${json}`,
  "not-modified-with-body": `HTTP/1.1 304 Not Modified\r\n${length}\r\n${json}`,
});

/** By name, or the raw text itself. */
export function rawReply(reply: string | { readonly raw: string }): string {
  return typeof reply === "string" ? (malformedReplies[reply] ?? "") : reply.raw;
}
