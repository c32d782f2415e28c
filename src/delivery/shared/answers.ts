import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { Credentials } from "../../core/credentials.ts";
import { type DigestChallenge, digestAnswer, digestProof, digestSecret, longestText } from "./digest-auth.ts";
import type { AuthMode } from "./login.ts";

/** What goes into `authorization`, request by request. */
export interface Answer {
  /** `proof`: what the device sends as `rspauth` if it knows the password too. */
  for(method: string, path: string): { readonly value: string; readonly proof?: () => string };
  /** Whether the device asked for it. */
  readonly asked: boolean;
  /** Whether nothing that happened since could have made it too old. */
  readonly ready: boolean;
  /** Whether the device let it pass once. If it then no longer does, it has grown old; a new one that fails is wrong. */
  passed: boolean;
  /** Takes the nonce that the device wants next (RFC 7616 §3.5). */
  renew?(nonce: string): void;
}

export type Password = Extract<Credentials, { readonly username: string }>;

/** What is sent with every request, without being asked for; nothing where the device is to ask. */
export function upFront(credentials: Credentials, mode: AuthMode): Answer | undefined {
  if (credentials.token !== undefined) return fixed(`Bearer ${credentials.token.reveal()}`, false);
  return mode === "basic" ? basic(credentials, false) : undefined;
}

/** RFC 7617 §2, in UTF-8. */
export function basic({ username, password }: Password, asked: boolean): Answer {
  const pair = Buffer.from(`${username}:${password.reveal()}`, "utf8");
  return fixed(`Basic ${pair.toString("base64")}`, asked);
}

function fixed(value: string, asked: boolean): Answer {
  const header = { value };
  return { for: () => header, asked, ready: true, passed: false };
}

/** @param random makes our own nonce: one for each challenge, since a session's secret holds it (RFC 7616 §3.4.2) */
export function digest(
  { username, password }: Password,
  given: DigestChallenge,
  random: () => string = () => randomBytes(16).toString("hex"),
): Answer {
  let challenge = given;
  let count = 0;
  const cnonce = random();
  const secret = digestSecret(challenge, username, password.reveal(), cnonce);
  return {
    asked: true,
    passed: false,
    get ready() {
      return count === 0;
    },
    for(method, uri) {
      const asked = challenge;
      const request = { method, uri, count: ++count, cnonce };
      return {
        value: digestAnswer(asked, username, secret, request),
        proof: () => digestProof(asked, secret, request),
      };
    },
    renew(nonce) {
      if (nonce === "" || nonce.length > longestText) return;
      challenge = { ...challenge, nonce };
      count = 0;
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const control = /[\u0000-\u001f\u007f]/;
const visible = /^[\x21-\x7e]+$/;

/** Why credentials cannot be sent in this mode, in words that hold nothing of them. */
export function unfit(credentials: Credentials, mode: AuthMode): string | undefined {
  if (credentials.token !== undefined) {
    if (mode !== "auto" && mode !== "bearer") return `are a token, but its profile's options.auth is ${mode}`;
    return visible.test(credentials.token.reveal()) ? undefined : "hold a token that is not visible ASCII";
  }
  const { username, password } = credentials;
  if (mode === "bearer") return "are a name and password, but its profile's options.auth is bearer";
  // RFC 7617 §2; a colon would also make another name and realm of RFC 7616's `username:realm:password`.
  if (control.test(username) || username.includes(":")) return "hold a user name with a colon or a control character";
  return control.test(password.reveal()) ? "hold a password with a control character" : undefined;
}
