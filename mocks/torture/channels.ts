import { type Behaviour, drop, endless, one, reply, several } from "./behaviour.ts";

const opening = (lines: string) => `HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`;
const upgrade = "upgrade: websocket\r\n";
const connection = "connection: Upgrade\r\n";
const accept = "sec-websocket-accept: {accept}\r\n";
const open = opening(upgrade + connection + accept);

/** Answers to the opening of a websocket that open none. */
export const badOpenings: readonly Behaviour[] = [
  ...[200, 302, 400, 401, 403, 404, 426, 500, 503].map((status) => one(`opened by ${status}`, reply(status), "serve")),
  one("opened without a proof", opening(upgrade + connection), "mute"),
  one(
    "opened with the proof of another",
    opening(`${upgrade}${connection}sec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n`),
    "mute",
  ),
  one("opened to another protocol", opening(`upgrade: h2c\r\n${connection}${accept}`), "mute"),
  one("opened without the word upgrade", opening(`${connection}${accept}`), "mute"),
  one("opened without a connection header", opening(`${upgrade}${accept}`), "mute"),
  one(
    "opened with compression that nobody offered",
    opening(`${upgrade}${connection}${accept}sec-websocket-extensions: permessage-deflate\r\n`),
    "mute",
  ),
  one(
    "opened with a protocol that nobody offered",
    opening(`${upgrade}${connection}${accept}sec-websocket-protocol: chat\r\n`),
    "mute",
  ),
  one("opened by no HTTP", "SSH-2.0-dropbear_2022.83\r\n"),
  one("opened by the end", ""),
  one("opened by a reset", "", "rst"),
  one("opened by silence", "", "mute"),
  one("opened by half a head", open.slice(0, 40)),
  several("opened by a head without end", [{ write: open.slice(0, -2) }, { write: "x-a: b\r\n", times: endless }]),
  several("opened by a head that drips", [{ write: open.slice(0, -2) }, { write: "x", times: endless, everyMs: drop }]),
];

/** RFC 6455 §5.2: no mask, a length in one byte unless told otherwise. */
const frame = (first: number, payload: string, length = String.fromCharCode(payload.length)) =>
  String.fromCharCode(first) + length + payload;
const status = (word: string) => frame(0x81, `{"type":"status","status":"${word}"}`);

/** What a device may send on a websocket that was opened rightly, before anything was sent to it. */
export const badFrames: readonly Behaviour[] = [
  ["a masked frame", frame(0x81, "\0\0\0\0abc", "\x83")],
  ["a reserved bit", frame(0xc1, "abc")],
  ["a reserved kind of message", frame(0x83, "abc")],
  ["a reserved kind of control", frame(0x8b, "abc")],
  ["control in pieces", frame(0x09, "abc")],
  ["control that is too long", frame(0x89, "a".repeat(200), "\x7e\0\xc8")],
  ["a length of 2^63", frame(0x81, "abc", "\x7f\x80\0\0\0\0\0\0\0")],
  ["a length of 2^62", frame(0x81, "abc", "\x7f\x40\0\0\0\0\0\0\0")],
  ["a length above the cap", frame(0x81, "abc", "\x7f\0\0\0\0\x10\0\0\0")],
  ["a length that could be shorter", frame(0x81, "abc", "\x7e\0\x03")],
  ["a piece of nothing", frame(0x80, "abc")],
  ["a message within another", frame(0x01, "abc") + frame(0x81, "abc")],
  ["no UTF-8", frame(0x81, "\xff\xfe\xc3\x28")],
  ["bytes instead of text", frame(0x82, "abc")],
  ["a goodbye of one byte", frame(0x88, "\x03")],
  ["a goodbye with a number that is none", frame(0x88, "\0\x05")],
  ["a goodbye with a reserved number", frame(0x88, "\x03\xed")],
  ["a goodbye", frame(0x88, "\x03\xe8")],
  ["no JSON", frame(0x81, "<html>")],
  ["JSON that is no object", frame(0x81, "[[[[]]]]")],
  ["JSON with a prototype", frame(0x81, '{"__proto__":{"type":"status","status":"SUCCESS"}}')],
  ["NUL", frame(0x81, "\0\0\0")],
  ["an unknown word", status("EXPLODED")],
  ["an old success", status("SUCCESS") + status("DONE")],
  ["an old failure", status("FAILURE") + status("DONE")],
  ["half a frame", "\x81\x7d{"],
]
  .flatMap(([name = "", bytes = ""]) => [
    one(`${name}, then the end`, open + bytes),
    one(`${name}, then silence`, open + bytes, "mute"),
  ])
  .concat([
    one("a reset once open", open, "rst"),
    several("pings without end", [{ write: open }, { write: frame(0x89, ""), times: endless }]),
    several("messages without end", [{ write: open }, { write: frame(0x81, "{}"), times: endless }]),
    several("pieces without end", [{ write: open + frame(0x01, "a") }, { write: frame(0x00, "a"), times: endless }]),
    several("a frame that drips", [{ write: `${open}\x81\x7d` }, { write: "a", times: endless, everyMs: drop }]),
  ]);
