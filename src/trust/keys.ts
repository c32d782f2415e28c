import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Secret } from "../core/credentials.ts";
import { FlashwaveError } from "../core/errors.ts";

/** A public key that the caller trusts. */
export interface TrustedKey {
  /** SHA-256 of its SubjectPublicKeyInfo (DER), hexadecimal: the same key has the same id however it is written. */
  readonly id: string;
  readonly key: KeyObject;
}

/** RFC 8410 §4: what stands before the 32 bytes of every Ed25519 public key. */
const spki = Buffer.from("302a300506032b6570032100", "hex");

export const maxKeys = 32;

/**
 * Ed25519 public keys, SPKI in PEM, as `openssl pkey -pubout` writes them. Nothing else passes: no certificate, and no
 * private key, which has no business there.
 * @throws `invalid_option` when one is none, or two are the same
 */
export function trustedKeys(option: string, pems: readonly string[]): readonly TrustedKey[] {
  return distinct(option, pems, (pem, name) => {
    if (typeof pem !== "string" || !/^\s*-----BEGIN PUBLIC KEY-----[\s\w+/=]+-----END PUBLIC KEY-----\s*$/.test(pem))
      throw invalid(`${name} must be one Ed25519 public key, SPKI in PEM`);
    return trusted(ed25519(name, () => createPublicKey(pem)));
  });
}

/** One key per entry, none twice: a threshold counts different keys. */
export function distinct<Text, Key extends TrustedKey>(
  option: string,
  given: readonly Text[],
  read: (entry: Text, name: string) => Key,
): readonly Key[] {
  if (given.length > maxKeys) throw invalid(`${option} may hold ${maxKeys} keys, not ${given.length}`);
  const keys = given.map((entry, at) => read(entry, `${option}[${at}]`));
  const ids = keys.map(({ id }) => id);
  const twice = ids.findIndex((id, at) => ids.indexOf(id) !== at);
  if (twice >= 0) throw invalid(`${option}[${twice}] is the same key as ${option}[${ids.indexOf(ids[twice] ?? "")}]`);
  return Object.freeze(keys);
}

export function trusted(key: KeyObject): TrustedKey {
  return Object.freeze({ id: createHash("sha256").update(exported(key)).digest("hex"), key });
}

/** The 32 bytes of a public key. */
export const rawKey = (key: KeyObject): Buffer => exported(key).subarray(spki.length);

/** From the 32 bytes of a public key. */
export const fromRawKey = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([spki, raw]), format: "der", type: "spki" });

const exported = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });

export interface KeyPair {
  /** PKCS#8 in PEM, encrypted where a passphrase was given: for a file that nobody else may read. */
  readonly privateKey: string;
  /** SPKI in PEM. */
  readonly publicKey: string;
}

/** A new pair of Ed25519 keys, as `openssl genpkey` would make it. */
export function generateKeys(passphrase?: Secret): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const cipher = passphrase && { cipher: "aes-256-cbc", passphrase: passphrase.reveal() };
  return {
    privateKey: privateKey.export({ format: "pem", type: "pkcs8", ...cipher }).toString(),
    publicKey: publicKey.export({ format: "pem", type: "spki" }).toString(),
  };
}

/**
 * A private key to sign with: Ed25519, PKCS#8 in PEM.
 * @throws `invalid_option`, with nothing of the key or the passphrase in it
 */
export function readPrivateKey(pem: string, passphrase?: Secret): KeyObject {
  const encrypted = pem.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----");
  if (encrypted && passphrase === undefined) throw invalid("this private key is encrypted: give its passphrase");
  return ed25519(encrypted ? "the private key, with the passphrase given," : "the private key", () =>
    createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase: passphrase.reveal() }),
  );
}

/** The public key of a private one, SPKI in PEM. */
export const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key).export({ format: "pem", type: "spki" }).toString();

function ed25519(name: string, read: () => KeyObject): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch {
    // What OpenSSL says of it may quote what it was given.
  }
  if (key?.asymmetricKeyType === "ed25519") return key;
  throw invalid(`${name} must be an Ed25519 key in PEM that can be read`);
}

export function invalid(what: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `${what}.`, { phase: "prepare" });
}
