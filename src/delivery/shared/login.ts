import { checkPath } from "../../http/path.ts";
import type { Challenge } from "./challenges.ts";
import { compareDigests, type DigestChallenge, readDigest } from "./digest-auth.ts";
import { asProfile, invalidProfile } from "./profile-rules.ts";

/**
 * How a device is shown its credentials.
 *
 * - `auto`: a token is sent with every request; a name and password as the device asks for them, by the strongest
 *   scheme it offers and we know. Basic only over https: over plain http it would show the password to the whole way.
 * - `basic`: sent with every request, over plain http too. It is this profile's decision that the way is safe.
 * - `digest`, `bearer`: this scheme and no other.
 */
export type AuthMode = "auto" | "basic" | "digest" | "bearer";

const modes: readonly AuthMode[] = ["auto", "basic", "digest", "bearer"];

/**
 * @param where the option stands, for messages
 * @throws `invalid_profile`
 */
export function authModeOf(value: unknown, where: string = "options.auth"): AuthMode {
  if (isAuthMode(value)) return value;
  throw invalidProfile(where, `must be one of ${modes.join(", ")}`);
}

export function isAuthMode(value: unknown): value is AuthMode {
  return modes.some((known) => known === value);
}

/**
 * A request without a body and without a login, sent so that the device asks for one before the artifact's bytes leave.
 * It must be one that changes nothing on any device of the kind: many begin an update at an empty upload.
 */
export interface ChallengeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/**
 * Reads `"HEAD /update"`, the request that is sent to be asked for a login.
 * @throws `invalid_profile`
 */
export function challengeOf(value: unknown, where: string = "options.challenge"): ChallengeRequest {
  const [, method = "", path = ""] = (typeof value === "string" && challengeForm.exec(value)) || [];
  if (method === "") throw invalidProfile(where, 'must be a method and a path, such as "HEAD /update"');
  asProfile(where, () => checkPath(path));
  return Object.freeze({ method, path });
}

const challengeForm = /^(GET|HEAD|OPTIONS|POST|PUT|PATCH) (\/.*)$/;

export type Choice =
  | { readonly scheme: "digest"; readonly challenge: DigestChallenge }
  | { readonly scheme: "basic" }
  /** What the device wants, and what to do about it. */
  | { readonly scheme: "none"; readonly wants: string; readonly advice: string };

/** Pure: what a name and password answer to these challenges. */
export function chooseAnswer(challenges: readonly Challenge[], mode: AuthMode, encrypted: boolean): Choice {
  const read = challenges.filter(({ scheme }) => scheme === "digest").map(readDigest);
  const digests = read.filter((challenge) => "nonce" in challenge).toSorted(compareDigests);
  const strongest = digests.at(-1);
  const asksBasic = challenges.some(({ scheme }) => scheme === "basic");
  if (strongest !== undefined && mode !== "basic") return { scheme: "digest", challenge: strongest };
  const wants = wanted(challenges, read);
  if (!asksBasic) return { scheme: "none", wants, advice: "ask its maker for a login that is spoken here" };
  if (mode === "digest") return { scheme: "none", wants, advice: "set its profile's options.auth to auto or basic" };
  if (mode === "basic" || encrypted) return { scheme: "basic" };
  return {
    scheme: "none",
    wants,
    advice:
      "over plain http that shows the password to the whole way: use https, or set its profile's options.auth to basic if the way is safe",
  };
}

/** In our words: what a device sends is never in a message. */
function wanted(challenges: readonly Challenge[], digests: readonly ReturnType<typeof readDigest>[]): string {
  const known = { basic: "Basic", bearer: "a bearer token", negotiate: "Negotiate", ntlm: "NTLM" } as const;
  const named = challenges
    .filter(({ scheme }) => scheme !== "digest")
    .map(({ scheme }) =>
      Object.hasOwn(known, scheme) ? known[scheme as keyof typeof known] : "a scheme that is not known here",
    );
  const told = digests.map((digest) => ("problem" in digest ? digest.problem : "Digest"));
  return [...new Set([...told, ...named])].join(", ") || "a login, but not which";
}
