import fc from "fast-check";
import { describe, expect } from "vitest";
import { challengesOf } from "../../src/delivery/shared/challenges.ts";
import { digestAnswer, digestSecret, readDigest } from "../../src/delivery/shared/digest-auth.ts";
import { maxRetryAfter, parseRetryAfter } from "../../src/delivery/shared/retry-after.ts";
import { headerValue } from "../../src/delivery/shared/text.ts";
import { readLocation } from "../../src/delivery/tus/location.ts";
import { readServer, readSize } from "../../src/delivery/tus/protocol.ts";
import { checkHeaders } from "../../src/http/headers.ts";
import { checkPath } from "../../src/http/path.ts";
import { RawReplyHeaders } from "../../src/http/reply-headers.ts";
import { bent } from "./bent.ts";
import { fuzzTest, judge } from "./kit.ts";
import { replies } from "./recorded.ts";

const awkward = fc.constantFrom(...'aZ0-:; \t\r\n\0"\\,=/%.?#@é\u2028\u{1f600}');
const text = fc.string({
  unit: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(..."abc/1=-") }, awkward),
  maxLength: 16,
});

describe("headers", () => {
  fuzzTest(
    "that pass make one line each, and nothing else",
    100_000,
    fc.array(fc.oneof(text, fc.constantFrom("x-a", "accept", "host", "content-length", "te")), { maxLength: 6 }),
    (block) =>
      judge(() => {
        checkHeaders(block);
        const head = block.map((part, at) => (at % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join("");
        const rows = head.split("\r\n").slice(0, -1);
        expect(rows).toHaveLength(block.length / 2);
        for (const [at, row] of rows.entries()) {
          expect(row).toBe(`${block[2 * at]}: ${block[2 * at + 1]}`);
          expect(row).not.toMatch(/[\r\n\0]|^(?:host|content-length|transfer-encoding|connection|te):/);
        }
        return block;
      }),
  );

  fuzzTest("made of a device's name give the name back, and end no line", 50_000, text, (name) => {
    if (name === "") return { refused: "nothing to say" };
    const value = headerValue(name);
    expect(value).toMatch(/^[\x21-\x7e]+$/);
    expect(decodeURIComponent(value)).toBe(name.toWellFormed());
    return { value };
  });
});

describe("paths", () => {
  const segment = fc.constantFrom(
    "",
    "/",
    "a",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%",
    "%zz",
    "?",
    "#",
    "//",
    "\\",
    ":",
    "é",
    " ",
    "\r\n",
    "http://x",
  );
  fuzzTest(
    "that pass are sent as they are, and read by everybody as that path",
    100_000,
    fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join("")}`),
    (path) =>
      judge(() => {
        checkPath(path);
        const url = new URL(path, "http://10.0.0.12");
        expect(url.origin).toBe("http://10.0.0.12");
        expect(url.pathname + (path.includes("?") ? path.slice(path.indexOf("?")) : "")).toBe(path);
        expect(url.hash).toBe("");
        return path;
      }),
  );
});

/** The header rows of recorded answers, and of bent ones, as undici's parser would hand them over. */
const rows = bent([
  ...replies,
  'X: 1\r\nWWW-Authenticate: Digest realm="a\\"b", nonce="n", qop="auth,auth-int", algorithm=SHA-256-sess, opaque="o", stale=TRUE',
  "WWW-Authenticate: Basic realm=x, Bearer abc==, Digest realm=y",
  "Tus-Version: 1.0.0\r\nTus-Extension: creation,checksum,creation-with-upload,termination\r\nTus-Max-Size: 1073741824\r\nTus-Checksum-Algorithm: md5,sha1,sha256",
  "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: https://10.0.0.12/files/1",
]).map((bytes) => {
  const found = bytes
    .toString("latin1")
    .split(/\r\n/)
    .flatMap((line) =>
      line.includes(":") ? [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] : [],
    );
  return new RawReplyHeaders(found.map((part) => Buffer.from(part, "latin1")));
});

describe("a device's headers", () => {
  fuzzTest("with challenges are answered by one line, or not at all", 100_000, rows, (headers) => {
    let answered = 0;
    const challenges = challengesOf(headers);
    expect(challenges.length).toBeLessThanOrEqual(32);
    for (const challenge of challenges) {
      if (challenge.scheme !== "digest") continue;
      const digest = readDigest(challenge);
      if ("problem" in digest) continue;
      const request = { method: "GET", uri: "/version", count: 1, cnonce: "c" };
      const value = digestAnswer(digest, "admin", digestSecret(digest, "admin", "pw", "c"), request);
      checkHeaders(["authorization", value]);
      expect(value).not.toContain("pw");
      answered++;
    }
    return answered > 0 ? { value: answered } : { refused: "no Digest" };
  });

  fuzzTest(
    "never ask for more than ten minutes",
    100_000,
    fc.oneof(
      text,
      fc.nat().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    ),
    (value) => {
      const wait = parseRetryAfter(value, 1_700_000_000_000);
      if (wait === undefined) return { refused: "no time" };
      expect(wait >= 0 && wait <= maxRetryAfter).toBe(true);
      return { value: wait };
    },
  );

  fuzzTest("of a tus server are numbers and known words", 50_000, rows, (headers) => {
    const server = readServer(headers);
    const offset = readSize(headers.get("upload-offset"));
    if (offset !== undefined) expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
    if (server === undefined) return { refused: "no tus" };
    expect([undefined, "md5", "sha1", "sha256"]).toContain(server.checksum);
    if (server.maxSize !== undefined) expect(Number.isSafeInteger(server.maxSize)).toBe(true);
    return { value: server };
  });

  const places = [
    "http://10.0.0.12/files/1",
    "/files/1",
    "../x",
    "//10.0.0.12/files/1",
    "http://10.0.0.12:80@evil.example/",
    "files/1?x=%2e%2e",
  ];
  fuzzTest("lead an upload to a path of the device, or nowhere", 100_000, bent(places), (bytes) => {
    const location = bytes.toString("latin1");
    const found = readLocation(location, "http://10.0.0.12", "/files");
    if (!("path" in found)) return { refused: "not followed" };
    checkPath(found.path);
    // A URL parser writes an apostrophe in a query as %27, RFC 3986 does not.
    const [read, meant] = [new URL(found.path, "http://10.0.0.12").href, `http://10.0.0.12${found.path}`];
    expect(read.replaceAll("%27", "'")).toBe(meant.replaceAll("%27", "'"));
    return { value: found.path };
  });
});
