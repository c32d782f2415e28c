import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readPrivateKey } from "./keys.ts";
import { newSigner } from "./kit.suite.ts";
import { minisignKeyOf, minisignKeys, minisignSigner, parseMinisign, signMinisign } from "./minisign.ts";

// By minisign 0.11, of the file "firmware 2.0.0\n".
const file = Buffer.from("firmware 2.0.0\n");
const publicKey = `untrusted comment: minisign public key 671E4F63AEF36DCA
RWTKbfOuY08eZ774AnLX20G2WKMS9e/nhMnLzYTtDWK8miRyrJyvluYh
`;
const prehashed = `untrusted comment: signature from minisign secret key
RUTKbfOuY08eZz8Q8XxXsQmRD8rrbr7YrHcNz07KiTL1+Qp4hgL8Gct5fWVYMl0+9m6ldpNW0ivdcQtIK7Y6xh2caF9r1b+p2Ao=
trusted comment: till 2.0.0
BW90szKZXGdViBiQwOIX7TJIdUzpZf1wZY+j4g4/48Ht1gIii8doT/e7yMi4D8dqMdHPjVl06egVXg2OvCGUAQ==
`;
const legacy = `untrusted comment: signature from minisign secret key
RWTKbfOuY08eZ41H2+mCsA6AsLBd00BVS0BXSQczLRo7SPIfIi2Zttiy2bH0uDp5y9HaJ4rx15R1mx5PKcdSMj3jHdn1GstNdgA=
trusted comment: till 2.0.0
cGsEtrRNWGyiW/3djISSYAEms12fRS2Q3eV9fEPHPvC4Cz1WtfLjs6BymQAwQmpPjYk3eO1fkXxH7JTJCk1IDQ==
`;

const hash = createHash("blake2b512").update(file).digest();
const keys = minisignKeys("keys", [publicKey]);
const signer = (text: string | Uint8Array, signed: Uint8Array, among = keys) => {
  const signature = parseMinisign(Buffer.from(text));
  return signature && minisignSigner(signature, signed, among);
};

describe("a minisign signature", () => {
  it("of either form is by the key that made it", () => {
    expect(signer(prehashed, hash)).toBe(keys[0]?.id);
    expect(signer(legacy, file)).toBe(keys[0]?.id);
    expect(parseMinisign(Buffer.from(prehashed))).toMatchObject({ over: "blake2b512", trustedComment: "till 2.0.0" });
    expect(parseMinisign(Buffer.from(legacy))?.over).toBe("bytes");
  });

  it("of one form is none of the other", () => {
    expect(signer(prehashed, file)).toBeUndefined();
    expect(signer(legacy, hash)).toBeUndefined();
    // The two letters that say so are signed by nobody: the bytes decide.
    const [, line = ""] = prehashed.split("\n");
    const raw = Buffer.from(line, "base64");
    raw.write("Ed", "latin1");
    expect(signer(prehashed.replace(line, raw.toString("base64")), file)).toBeUndefined();
  });

  it("holds for its trusted comment as well", () => {
    expect(signer(prehashed.replace("till 2.0.0", "till 9.0.0"), hash)).toBeUndefined();
  });

  it("may have line breaks of another system, and anything in its first line", () => {
    expect(signer(prehashed.replaceAll("\n", "\r\n"), hash)).toBe(keys[0]?.id);
    expect(signer(prehashed.replace(/^.*\n/, "untrusted comment: \u202e\n"), hash)).toBe(keys[0]?.id);
  });

  it("is by nobody else's key", () => {
    const other = minisignKeyOf(readPrivateKey(newSigner().privateKey));
    expect(signer(prehashed, hash, minisignKeys("keys", [other]))).toBeUndefined();
    expect(signer(prehashed, hash, minisignKeys("keys", [other, publicKey]))).toBe(keys[0]?.id);
  });

  it("is by the key whose number it names", () => {
    const [, line = ""] = prehashed.split("\n");
    const raw = Buffer.from(line, "base64");
    raw[2] = (raw[2] ?? 0) ^ 1;
    const renamed = prehashed.replace(line, raw.toString("base64"));
    expect(parseMinisign(Buffer.from(renamed))).toBeDefined();
    expect(signer(renamed, hash)).toBeUndefined();
  });

  it.each([
    ["nothing", ""],
    ["text that is not written as it would be", prehashed.replace("p2Ao=", "p2Ap=")],
    ["text that lacks its end", prehashed.replace("p2Ao=", "p2Ao")],
    ["a first line that is no text", Buffer.from(prehashed.replace("comment:", "comment: \xff"), "latin1")],
    ["a mark before it", `\ufeff${prehashed}`],
    ["a line less", prehashed.split("\n").slice(0, 3).join("\n")],
    ["a line more", `${prehashed}x\n`],
    ["no first comment", prehashed.replace(/^.*\n/, "")],
    ["spaces in its text", prehashed.replace("\nRU", "\n RU")],
    ["another algorithm", prehashed.replace("\nRU", "\nRX")],
    ["text that is cut", prehashed.replace(/(\nRU.*)....\n/, "$1\n")],
    ["a comment of another kind", prehashed.replace("trusted comment: till", "trusted comment:till")],
    ["bytes that are no text", Buffer.concat([Buffer.from(prehashed), Buffer.from([0xff])])],
    ["more than it may have", prehashed.replace("till", "x".repeat(16_384))],
  ])("is none with %s", (_, text) => {
    expect(parseMinisign(Buffer.from(text))).toBeUndefined();
  });

  it("of ours is one of minisign's", () => {
    const key = readPrivateKey(newSigner().privateKey);
    const [ours] = minisignKeys("keys", [minisignKeyOf(key)]);
    expect(signer(signMinisign(hash, key, "till 2.0.0"), hash, ours && [ours])).toBe(ours?.id);
    for (const comment of ["two\nlines", "two\rlines"])
      expect(() => signMinisign(hash, key, comment)).toThrow("a trusted comment is one line");
  });
});

describe("a minisign key", () => {
  it("is its line, with or without the comment", () => {
    const [, line = ""] = publicKey.split("\n");
    expect(minisignKeys("keys", [line])[0]?.id).toBe(keys[0]?.id);
    expect(publicKey).toContain(keys[0]?.number);
  });

  it.each([
    "",
    "RW",
    prehashed,
    publicKey.replace("\nRW", "\nRX"),
    newSigner().publicKey,
    publicKey.trim().slice(0, -4),
    `${publicKey}x`,
    `${publicKey.trim()} x`,
  ])("is none of %j", (text) => {
    expect(() => minisignKeys("admission.minisign", [text])).toThrow(/^admission\.minisign\[0\] must be/);
  });

  it("counts once", () => {
    const [, line = ""] = publicKey.split("\n");
    expect(() => minisignKeys("keys", [publicKey, line])).toThrow("keys[1] is the same key as keys[0]");
  });
});
