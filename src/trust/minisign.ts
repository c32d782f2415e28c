import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { distinct, fromRawKey, invalid, rawKey, type TrustedKey, trusted } from "./keys.ts";

/*
 * minisign (https://jedisct1.github.io/minisign/, "Signature format"): four lines, of which the first is for nobody.
 *
 *   untrusted comment: …
 *   base64( algorithm 2 | key number 8 | signature 64 )      "ED" of BLAKE2b-512 of the file, "Ed" (legacy) of the file
 *   trusted comment: …
 *   base64( signature 64 of: signature | trusted comment )
 */

/** A minisign public key that the caller trusts, with the number that signatures name it by. */
export interface MinisignKey extends TrustedKey {
  readonly number: string;
}

export interface MinisignSignature {
  /** What was signed: the file's BLAKE2b-512, or (legacy) the file. */
  readonly over: "blake2b512" | "bytes";
  readonly keyNumber: string;
  readonly signature: Uint8Array;
  readonly trustedComment: string;
  readonly globalSignature: Uint8Array;
}

/** More than minisign itself writes. */
const maxTextBytes = 16_384;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Public keys as minisign writes them: the line that begins with `RW`, alone or after its comment.
 * @throws `invalid_option`
 */
export function minisignKeys(option: string, texts: readonly string[]): readonly MinisignKey[] {
  return distinct(option, texts, (text, name) => {
    const line =
      typeof text === "string" ? /^(?:untrusted comment:[^\n]*\n)?([\w+/=]+)\s*$/.exec(text)?.[1] : undefined;
    const raw = line === undefined ? undefined : base64(line, 42);
    if (raw?.toString("latin1", 0, 2) !== "Ed") throw invalid(`${name} must be a minisign public key`);
    return { ...trusted(fromRawKey(raw.subarray(10))), number: numberOf(raw) };
  });
}

/** Reads a signature, strictly. Nothing when it is none. */
export function parseMinisign(bytes: Uint8Array): MinisignSignature | undefined {
  if (bytes.byteLength > maxTextBytes) return undefined;
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return undefined;
  }
  const lines = /^untrusted comment:[^\n]*\n([\w+/=]+)\r?\ntrusted comment: ([^\r\n]*)\r?\n([\w+/=]+)(?:\r?\n)?$/.exec(
    text,
  );
  const raw = base64(lines?.[1] ?? "", 74);
  const globalSignature = base64(lines?.[3] ?? "", 64);
  const algorithm = raw?.toString("latin1", 0, 2);
  if (lines === null || raw === undefined || globalSignature === undefined) return undefined;
  if (algorithm !== "ED" && algorithm !== "Ed") return undefined;
  return {
    over: algorithm === "ED" ? "blake2b512" : "bytes",
    keyNumber: numberOf(raw),
    signature: raw.subarray(10),
    trustedComment: lines[2] ?? "",
    globalSignature,
  };
}

/**
 * The id of the key that signed, if it is one of these.
 * @param signed the file's BLAKE2b-512 or the file's bytes, as `over` says
 */
export function minisignSigner(
  { keyNumber, signature, trustedComment, globalSignature }: MinisignSignature,
  signed: Uint8Array,
  keys: readonly MinisignKey[],
): string | undefined {
  const all = Buffer.concat([signature, Buffer.from(trustedComment)]);
  const isBy = ({ number, key }: MinisignKey) =>
    number === keyNumber && verify(null, signed, key, signature) && verify(null, all, key, globalSignature);
  return keys.find(isBy)?.id;
}

/** Signs a file's BLAKE2b-512 so that minisign can check it, with `minisignKeyOf` as the public key. */
export function signMinisign(blake2b512: Uint8Array, key: KeyObject, trustedComment: string): Uint8Array {
  if (/[\r\n]/.test(trustedComment)) throw invalid("a trusted comment is one line");
  const signature = sign(null, blake2b512, key);
  const globalSignature = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), key);
  const raw = Buffer.concat([Buffer.from("ED"), numberFor(key), signature]);
  return Buffer.from(
    `untrusted comment: signature from flashwave\n${raw.toString("base64")}\ntrusted comment: ${trustedComment}\n${globalSignature.toString("base64")}\n`,
  );
}

/** The public key of a private one (or of a public one), as minisign reads it. */
export function minisignKeyOf(key: KeyObject): string {
  const number = numberFor(key);
  const raw = Buffer.concat([Buffer.from("Ed"), number, rawKey(publicOf(key))]);
  return `untrusted comment: minisign public key ${numberOf(Buffer.concat([Buffer.alloc(2), number]))}\n${raw.toString("base64")}\n`;
}

const publicOf = (key: KeyObject): KeyObject => (key.type === "private" ? createPublicKey(key) : key);

/** minisign draws a key's number at random; ours follows from the key, so that it need not be kept. */
const numberFor = (key: KeyObject): Buffer => Buffer.from(trusted(publicOf(key)).id, "hex").subarray(0, 8);

/** As minisign shows it: a little-endian number. */
const numberOf = (raw: Uint8Array): string => Buffer.from(raw.subarray(2, 10)).reverse().toString("hex").toUpperCase();

function base64(text: string, bytes: number): Buffer | undefined {
  const raw = Buffer.from(text, "base64");
  return raw.length === bytes && raw.toString("base64") === text ? raw : undefined;
}
