import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHeaders } from "../../http/headers.ts";
import { parseChallenges } from "./challenges.ts";
import {
  compareDigests,
  type DigestChallenge,
  digestAnswer,
  digestProof,
  digestSecret,
  readDigest,
} from "./digest-auth.ts";

function challenge(text: string): DigestChallenge {
  const [parsed] = parseChallenges(`Digest ${text}`);
  const read = parsed && readDigest(parsed);
  if (read === undefined || "problem" in read) throw new Error(read?.problem ?? "no challenge");
  return read;
}

function problem(text: string): string | undefined {
  const [parsed] = parseChallenges(`Digest ${text}`);
  const read = parsed && readDigest(parsed);
  return read !== undefined && "problem" in read ? read.problem : undefined;
}

function answer(
  to: DigestChallenge,
  username: string,
  password: string,
  { cnonce = "c", count = 1, uri = "/dir/index.html" } = {},
): ReadonlyMap<string, string> {
  const secret = digestSecret(to, username, password, cnonce);
  const text = digestAnswer(to, username, secret, { method: "GET", uri, count, cnonce });
  const [parsed] = parseChallenges(text);
  return parsed?.params ?? new Map();
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

describe("digestAnswer", () => {
  // RFC 7616 §3.9.1, both challenges of the example.
  const rfc7616 =
    'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

  it.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("is that of RFC 7616 for %s", (algorithm, response) => {
    const given = answer(challenge(`${rfc7616}, algorithm=${algorithm}`), "Mufasa", "Circle of Life", { cnonce });
    expect(Object.fromEntries(given)).toEqual({
      username: "Mufasa",
      realm: "http-auth@example.org",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      uri: "/dir/index.html",
      algorithm,
      qop: "auth",
      nc: "00000001",
      cnonce,
      response,
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    });
  });

  it("is that of RFC 2617 §3.5 where the challenge names no algorithm", () => {
    const given = challenge(
      'realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    const params = answer(given, "Mufasa", "Circle Of Life", { cnonce: "0a4f113b" });
    expect(params.get("response")).toBe("6629fae49393a05397450978507c4ef1");
    expect(params.has("algorithm")).toBe(false);
  });

  // RFC 2069 §2.4, with the response that its erratum 749 corrects.
  it("is that of RFC 2069 where the challenge has no qop", () => {
    const given = challenge(
      'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    );
    const params = answer(given, "Mufasa", "CircleOfLife");
    expect(params.get("response")).toBe("1949323746fe6a43ef61f9606e7febea");
    expect([...params.keys()]).toEqual(["username", "realm", "nonce", "uri", "response", "opaque"]);
  });

  it("makes a session's secret of both nonces (RFC 7616 §3.4.2)", () => {
    const given = challenge('realm="r", nonce="n", qop=auth, algorithm=MD5-sess');
    const secret = md5(`${md5("u:r:p")}:n:c`);
    const params = answer(given, "u", "p", { count: 0x1f });
    expect(params.get("response")).toBe(md5(`${secret}:n:0000001f:c:auth:${md5("GET:/dir/index.html")}`));
    expect(params.get("algorithm")).toBe("MD5-sess");
  });

  it("hashes what is not ASCII as UTF-8, and quotes what has quotes", () => {
    const given = challenge('realm="the \\"lab\\"", nonce="n", qop=auth');
    const params = answer(given, "J\u00e4s\u00f8n Doe'*", "p\u00e4ss");
    expect(params.get("username*")).toBe("UTF-8''J%C3%A4s%C3%B8n%20Doe%27%2A");
    expect(params.get("realm")).toBe('the "lab"');
    const secret = md5('J\u00e4s\u00f8n Doe\'*:the "lab":p\u00e4ss');
    expect(params.get("response")).toBe(md5(`${secret}:n:00000001:c:auth:${md5("GET:/dir/index.html")}`));
  });

  it("holds nothing that could end a header line", () => {
    const given = challenge('realm="\xff\t", nonce="a\\b", opaque="\\"", qop=auth');
    const text = digestAnswer(given, 'a"\\\u202e\r\n', "s", { method: "GET", uri: "/", count: 1, cnonce: "c" });
    expect(text).toMatch(/^[\t\x20-\x7e\x80-\xff]+$/);
  });
});

describe("whatever a device sends", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", '"', "\\", ",", "=", " ", "\t", "\r", "\n", "\0", "\x7f", "\xff"),
  });
  const piece = fc.oneof(text, fc.constantFrom('realm="r"', 'nonce="n"', "qop=auth", 'opaque="o"', ", ", "Digest "));

  it("makes an answer that is one header line, or none", () => {
    let answered = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.string({ unit: "binary" }), (pieces, username) => {
        for (const parsed of parseChallenges(`Digest realm="r", nonce="n", ${pieces.join("")}`)) {
          const read = readDigest(parsed);
          if ("problem" in read) continue;
          answered++;
          const secret = digestSecret(read, username, "p", "c");
          const value = digestAnswer(read, username, secret, { method: "GET", uri: "/", count: 1, cnonce: "c" });
          expect(() => checkHeaders(["authorization", value])).not.toThrow();
        }
      }),
      { numRuns: 3000 },
    );
    expect(answered).toBeGreaterThan(100);
  });
});

describe("digestProof", () => {
  it("is the answer without the method (RFC 7616 §3.5)", () => {
    const given = challenge('realm="r", nonce="n", qop=auth');
    const proof = digestProof(given, md5("u:r:p"), { method: "GET", uri: "/x", count: 2, cnonce: "c" });
    expect(proof).toBe(md5(`${md5("u:r:p")}:n:00000002:c:auth:${md5(":/x")}`));
  });
});

describe("readDigest", () => {
  it.each([
    ['realm="r"', "Digest without realm or nonce"],
    ['realm="r", nonce=""', "Digest without realm or nonce"],
    ['nonce="n"', "Digest without realm or nonce"],
    ['realm="r", nonce="n", algorithm=SHA-512-256, qop=auth', "Digest with an algorithm that is not known here"],
    ['realm="r", nonce="n", algorithm="<script>"', "Digest with an algorithm that is not known here"],
    ['realm="r", nonce="n", algorithm=MD5-', "Digest with an algorithm that is not known here"],
    ['realm="r", nonce="n", qop="auth-int"', "Digest with a quality of protection other than auth"],
    ['realm="r", nonce="n", qop=""', "Digest with a quality of protection other than auth"],
    ['realm="r", nonce="n", algorithm=MD5-sess', "a Digest session without qop"],
    [`realm="r", nonce="${"n".repeat(1025)}"`, "Digest with a text of more than 1024 characters"],
  ])("cannot answer %j", (text, expected) => {
    expect(problem(text)).toBe(expected);
  });

  it("reads what sloppy devices write", () => {
    expect(challenge('realm="", nonce=n, algorithm="sha-256", qop=" AUTH ,x", stale="True"')).toEqual({
      realm: "",
      nonce: "n",
      hash: "sha256",
      session: false,
      named: true,
      qop: "auth",
      stale: true,
    });
  });

  it("finds SHA-256 better than MD5, and MD5 with our nonce better than without", () => {
    const [plain, md5Auth, sha] = ["", ", qop=auth", ", qop=auth, algorithm=SHA-256"].map((rest) =>
      challenge(`realm=r, nonce=n${rest}`),
    ) as [DigestChallenge, DigestChallenge, DigestChallenge];
    expect([sha, plain, md5Auth].toSorted(compareDigests)).toEqual([plain, md5Auth, sha]);
  });
});
