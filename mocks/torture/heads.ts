import { type Behaviour, claim, drop, endless, head, length, one, reply, several, whole } from "./behaviour.ts";

const hint = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
const line = `x-padding: ${"a".repeat(87)}\r\n`;
const elsewhere = "http://127.0.0.1:1/update";

const statuses: readonly Behaviour[] = [
  ...[201, 202, 203, 205, 206, 207, 226, 299, 300, 305, 306, 399, 402, 406, 410, 411, 418, 421, 425, 426],
  ...[431, 451, 499, 501, 505, 507, 508, 511, 599, 600, 700, 999],
].map((status) => one(`status ${status}`, reply(status), "serve"));

const bodiless: readonly Behaviour[] = [
  one("204 without a length", "HTTP/1.1 204 No Content\r\n\r\n", "serve"),
  one("204 with a body", `HTTP/1.1 204 No Content\r\n${length}\r\n${claim}`, "serve"),
  one("205 with a body that it does not announce", `HTTP/1.1 205 Reset Content\r\n\r\n${claim}`),
  one("304 without a body", "HTTP/1.1 304 Not Modified\r\n\r\n", "serve"),
  one("199 and nothing more", "HTTP/1.1 199 Scripted\r\n\r\n"),
  one("101 to another HTTP", "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", "mute"),
];

const redirects: readonly Behaviour[] = [
  ...[301, 302, 303, 307, 308].map((status) =>
    one(`${status} to another origin`, reply(status, `location: ${elsewhere}\r\n`), "serve"),
  ),
  one("307 to no scheme", reply(307, "location: //127.0.0.1:1/update\r\n"), "serve"),
  one("307 to a script", reply(307, "location: javascript:alert(1)\r\n"), "serve"),
  one("307 to itself", reply(307, "location: /update\r\n"), "serve"),
  one("307 to nowhere", reply(307), "serve"),
  one("307 to a long address", reply(307, `location: http://127.0.0.1:1/${"a".repeat(12_000)}\r\n`), "serve"),
];

const interim: readonly Behaviour[] = [
  several("20 interim answers, then a whole one", [{ write: hint, times: 20 }, { write: whole }], "serve"),
  several("101 interim answers, then a whole one", [{ write: hint, times: 101 }, { write: whole }], "serve"),
  several("interim answers without end", [{ write: hint, times: endless }]),
  several("interim answers without end, at the headers", [{ write: hint, times: endless }], "mute", 0),
  several("an interim answer that drips", [{ write: hint, times: endless, everyMs: drop }]),
  several("interim answers of 12 KB", [
    { write: `HTTP/1.1 103 Hints\r\n${line.repeat(120)}\r\n`, times: 3 },
    { write: whole },
  ]),
  one("an interim answer cut short", "HTTP/1.1 103 Early Hints\r\nlink: <"),
  one("an interim answer, and a reset", hint, "rst"),
  one("an interim answer, and silence", hint, "mute"),
];

const large: readonly Behaviour[] = [
  one("headers of 12 KB", `${head}${line.repeat(120)}${length}\r\n${claim}`, "serve"),
  one("headers of 20 KB", `${head}${line.repeat(200)}${length}\r\n${claim}`, "serve"),
  one("2,000 short headers", `${head}${"a:b\r\n".repeat(2_000)}${length}\r\n${claim}`, "serve"),
  one("one header of 1 MB", `${head}x-a: ${"a".repeat(1_000_000)}\r\n${length}\r\n${claim}`),
  several("headers without end", [{ write: head }, { write: line, times: endless }]),
  several("a header's name without end", [{ write: head }, { write: "x-name-", times: endless }]),
  several("a header's value without end", [{ write: `${head}x-a: ` }, { write: "aaaaaaaa", times: endless }]),
  several("a reason without end", [{ write: "HTTP/1.1 200 " }, { write: "OK, ", times: endless }]),
  several("a status without end", [{ write: "HTTP/1.1 2" }, { write: "0", times: endless }]),
  several("a version without end", [{ write: "HTTP/1." }, { write: "1", times: endless }]),
  several("empty lines without end", [{ write: "\r\n", times: endless }]),
  several("NUL without end", [{ write: "\0", times: endless }]),
  several("letters without end", [{ write: "aaaaaaaa", times: endless }]),
];

const slow: readonly Behaviour[] = [
  several("a status line that drips", [{ write: "HTTP/1.1 200 O" }, { write: "K", times: endless, everyMs: drop }]),
  several("headers that drip", [{ write: head }, { write: line, times: endless, everyMs: drop }]),
  several("empty lines that drip", [{ write: "\r\n", times: endless, everyMs: drop }]),
  several("a whole answer, byte by byte", [{ write: whole, everyMs: 1 }], "serve"),
];

/** What a device may do to the head of an answer. */
export const headBehaviours: readonly Behaviour[] = [
  ...statuses,
  ...bodiless,
  ...redirects,
  ...interim,
  ...large,
  ...slow,
];
