import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Secret } from "../core/credentials.ts";
import { generateKeys, publicKeyOf, readPrivateKey, trustedKeys } from "./keys.ts";
import { manifestFor, newSigner, signedBy } from "./kit.suite.ts";
import { signersOf } from "./signatures.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 1_024 });
const spki = { format: "pem", type: "spki" } as const;
const pkcs8 = { format: "pem", type: "pkcs8" } as const;

describe("trusted keys", () => {
  it("have an id that does not depend on how they are written", () => {
    const { publicKey } = generateKeys();
    const [one] = trustedKeys("keys", [publicKey]);
    const [other] = trustedKeys("keys", [publicKey.replaceAll("\n", "\r\n")]);
    // RFC 8410 §4, as `openssl pkey -pubin -outform DER | sha256sum` has it.
    const der = Buffer.from(publicKey.replace(/-----.*-----/g, ""), "base64");
    expect(one?.id).toBe(createHash("sha256").update(der).digest("hex"));
    expect(other?.id).toBe(one?.id);
  });

  it.each([
    ["an empty text", ""],
    ["no text", 7 as unknown as string],
    ["a private key", generateKeys().privateKey],
    ["a key of another kind", rsa.publicKey.export(spki).toString()],
    ["a key of a kind alike", generateKeyPairSync("ed448").publicKey.export(spki).toString()],
    ["a key that agrees and does not sign", generateKeyPairSync("x25519").publicKey.export(spki).toString()],
    ["a key with something behind it", `${generateKeys().publicKey}x`],
    ["a key with something before it", `x\n${generateKeys().publicKey}`],
    ["two at once", generateKeys().publicKey + generateKeys().publicKey],
    ["a damaged key", generateKeys().publicKey.replace("MCow", "MCox")],
  ])("are not %s", (_, given) => {
    expect(() => trustedKeys("admission.keys", [generateKeys().publicKey, given])).toThrow(
      /^admission\.keys\[1\] must be/,
    );
  });

  it("are each counted once", () => {
    const { publicKey } = generateKeys();
    expect(() => trustedKeys("keys", [publicKey, `\n${publicKey}`])).toThrow("keys[1] is the same key as keys[0]");
    expect(() =>
      trustedKeys(
        "keys",
        Array.from({ length: 33 }, () => publicKey),
      ),
    ).toThrow("may hold 32 keys");
  });
});

describe("a private key", () => {
  it("signs for its public key, encrypted or not", () => {
    const passphrase = new Secret("canary");
    for (const given of [undefined, passphrase]) {
      const { privateKey, publicKey } = generateKeys(given);
      expect(publicKeyOf(readPrivateKey(privateKey, given))).toBe(publicKey);
      expect(privateKey.includes("ENCRYPTED")).toBe(given !== undefined);
    }
  });

  it.each([
    ["nothing", "", undefined, /Ed25519/],
    ["a key of another kind", rsa.privateKey.export(pkcs8).toString(), undefined, /Ed25519/],
    ["no passphrase", generateKeys(new Secret("canary")).privateKey, undefined, /give its passphrase/],
    ["a wrong passphrase", generateKeys(new Secret("canary")).privateKey, new Secret("canari"), /passphrase given/],
  ])("is refused with %s, and nothing of it is told", (_, pem, passphrase, problem) => {
    let told: unknown;
    try {
      readPrivateKey(pem, passphrase);
    } catch (error) {
      told = error;
    }
    expect(told).toMatchObject({ code: "invalid_option", message: expect.stringMatching(problem) });
    expect(String(told)).not.toMatch(/canar|MII|MC4/);
    expect((told as Error).cause).toBeUndefined();
  });
});

describe("signatures", () => {
  const [a, b, stranger] = [newSigner(), newSigner(), newSigner()];
  const keys = trustedKeys("keys", [a.publicKey, b.publicKey]);
  const document = manifestFor(Buffer.from("firmware"));

  it("count different trusted keys, in any order, among any others", () => {
    expect(signersOf(signedBy(document, stranger, b, a), keys)).toEqual([a.id, b.id]);
    expect(signersOf(signedBy(document, a, a, stranger), keys)).toEqual([a.id]);
    expect(signersOf(signedBy(document, stranger), keys)).toEqual([]);
    expect(signersOf(signedBy(document), keys)).toEqual([]);
  });

  it("are over the exact bytes", () => {
    const { signatures } = signedBy(document, a);
    expect(signersOf({ document: Buffer.concat([document, Buffer.from("\n")]), signatures }, keys)).toEqual([]);
  });

  it("of another length are none", () => {
    const [signature = new Uint8Array()] = signedBy(document, a).signatures;
    for (const wrong of [Buffer.concat([signature, Buffer.from([0])]), signature.subarray(0, 63), Buffer.alloc(0)])
      expect(signersOf({ document, signatures: [wrong] }, keys)).toEqual([]);
  });

  it("are not looked at where there are too many", () => {
    const { signatures } = signedBy(document, ...Array.from({ length: 31 }, () => stranger), a);
    expect(signersOf({ document, signatures }, keys)).toEqual([a.id]);
    expect(signersOf({ document, signatures: [...signatures, ...signatures.slice(0, 1)] }, keys)).toEqual([]);
  });
});
