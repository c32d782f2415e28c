import { createHash } from "node:crypto";
import type { Challenge } from "./challenges.ts";

/** The hash functions spoken here, weakest first (RFC 7616 §3.2, §6.1). */
const hashes = { md5: "MD5", sha256: "SHA-256" } as const;
type Hash = keyof typeof hashes;
const strength: readonly Hash[] = ["md5", "sha256"];

/** One Digest challenge that can be answered. Texts are as they stood in the field: one character for one byte. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string;
  readonly hash: Hash;
  /** `-sess`: the nonces of the first answer go into the secret (§3.4.2). */
  readonly session: boolean;
  /** Whether the challenge named its algorithm: one that did not (RFC 2069) is answered without. */
  readonly named: boolean;
  /** Absent: the form of RFC 2069, without a nonce of ours. */
  readonly qop?: "auth";
  /** The login was right, its nonce too old (§3.3). */
  readonly stale: boolean;
}

/** Of what a challenge holds, in characters. */
export const longestText = 1024;
const algorithm = /^(md5|sha-256)(-sess)?$/i;

/** Reads a challenge of the scheme `digest`. `problem` says in our words why it cannot be answered. */
export function readDigest({ params }: Challenge): DigestChallenge | { readonly problem: string } {
  const realm = params.get("realm");
  const nonce = params.get("nonce");
  const opaque = params.get("opaque");
  if (realm === undefined || nonce === undefined || nonce === "") return { problem: "Digest without realm or nonce" };
  if ([realm, nonce, opaque].some((text) => text !== undefined && text.length > longestText)) {
    return { problem: `Digest with a text of more than ${longestText} characters` };
  }
  const name = params.get("algorithm");
  const [, base, suffix] = algorithm.exec(name ?? "MD5") ?? [];
  if (base === undefined) return { problem: "Digest with an algorithm that is not known here" };
  const offered = params.get("qop");
  const protections = (offered ?? "").split(",").map((protection) => protection.trim().toLowerCase());
  if (offered !== undefined && !protections.includes("auth")) {
    return { problem: "Digest with a quality of protection other than auth" };
  }
  // A session key is made of a nonce of ours, and without `qop` there is none.
  if (offered === undefined && suffix !== undefined) return { problem: "a Digest session without qop" };
  return {
    realm,
    nonce,
    ...(opaque !== undefined && { opaque }),
    hash: base.toLowerCase() === "md5" ? "md5" : "sha256",
    session: suffix !== undefined,
    named: name !== undefined,
    ...(offered !== undefined && { qop: "auth" }),
    stale: params.get("stale")?.toLowerCase() === "true",
  };
}

/** Positive where `a` is the better one to answer: the stronger hash, then the form with a nonce of ours. */
export function compareDigests(a: DigestChallenge, b: DigestChallenge): number {
  return (
    strength.indexOf(a.hash) - strength.indexOf(b.hash) || Number(a.qop !== undefined) - Number(b.qop !== undefined)
  );
}

/** H(A1) (RFC 7616 §3.4.2): all that is kept of a password. `cnonce` counts only in a session. */
export function digestSecret(challenge: DigestChallenge, username: string, password: string, cnonce: string): string {
  const { hash, realm, nonce, session } = challenge;
  const secret = digest(hash, `${bytesOf(username)}:${realm}:${bytesOf(password)}`);
  return session ? digest(hash, `${secret}:${nonce}:${cnonce}`) : secret;
}

export interface DigestRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly uri: string;
  /** From 1, for each nonce. */
  readonly count: number;
  readonly cnonce: string;
}

/** The value of `Authorization` (RFC 7616 §3.4; RFC 2069 §2.1.2 without `qop`). Pure. */
export function digestAnswer(
  challenge: DigestChallenge,
  username: string,
  secret: string,
  { method, uri, count, cnonce }: DigestRequest,
): string {
  const { realm, nonce, opaque, hash, session, named, qop } = challenge;
  const nc = countText(count);
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${cnonce}:${qop}`;
  const response = digest(hash, `${secret}:${middle}:${digest(hash, `${method}:${uri}`)}`);
  return [
    `Digest ${usernameParam(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    ...(named ? [`algorithm=${hashes[hash]}${session ? "-sess" : ""}`] : []),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${nc}`, `cnonce=${quote(cnonce)}`]),
    `response=${quote(response)}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ].join(", ");
}

/** The `rspauth` by which a device shows that it knows the password too (RFC 7616 §3.5). */
export function digestProof({ nonce, hash, qop }: DigestChallenge, secret: string, request: DigestRequest): string {
  const { uri, count, cnonce } = request;
  const middle = qop === undefined ? nonce : `${nonce}:${countText(count)}:${cnonce}:${qop}`;
  return digest(hash, `${secret}:${middle}:${digest(hash, `:${uri}`)}`);
}

/** §3.4: eight hexadecimal digits. */
function countText(count: number): string {
  return count.toString(16).padStart(8, "0");
}

function digest(hash: Hash, text: string): string {
  return createHash(hash).update(text, "latin1").digest("hex");
}

/** UTF-8 (§4), one character for one byte, as everything else here. */
function bytesOf(text: string): string {
  return Buffer.from(text.toWellFormed(), "utf8").toString("latin1");
}

/** §3.4: a name that no quoted string can hold goes as `username*` (RFC 8187), and is never hashed for `userhash`. */
function usernameParam(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quote(username)}`;
  const encoded = encodeURIComponent(username.toWellFormed()).replace(/['()*]/g, percent);
  return `username*=UTF-8''${encoded}`;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
