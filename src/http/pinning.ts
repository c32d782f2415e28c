import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { FlashwaveError } from "../core/errors.ts";

const spki = /^sha256\/[A-Za-z\d+/]{43}=$/;
const fingerprint = /^[\dA-Fa-f]{2}(?::[\dA-Fa-f]{2}){31}$/;

/** Pins in force for a connection. Equal sets have equal keys, so that connections can be told apart by them. */
export interface PinSet {
  readonly key: string;
  readonly pins: ReadonlySet<string>;
}

/**
 * Reads pins: `sha256/<base64 of the SHA-256 of the SubjectPublicKeyInfo>` (RFC 7469 §2.4), or the colon-separated
 * SHA-256 fingerprint of the certificate. Nothing when there are none.
 * @throws `invalid_option`
 */
export function pinSet(...lists: readonly (readonly string[] | undefined)[]): PinSet | undefined {
  const pins = new Set<string>();
  for (const pin of lists.flatMap((list) => list ?? [])) {
    if (typeof pin === "string" && spki.test(pin)) pins.add(pin);
    else if (typeof pin === "string" && fingerprint.test(pin)) pins.add(pin.toUpperCase());
    else throw invalid();
  }
  return pins.size === 0 ? undefined : { key: [...pins].sort().join(" "), pins };
}

/** Whether the peer's own certificate (not one of its issuers) matches any pin. */
export function pinned(socket: TLSSocket, set: PinSet): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  if (set.pins.has(certificate.fingerprint256)) return true;
  const der = certificate.publicKey.export({ type: "spki", format: "der" });
  return set.pins.has(`sha256/${createHash("sha256").update(der).digest("base64")}`);
}

export function pinMismatch(origin: string, seen: string): FlashwaveError {
  return new FlashwaveError(
    "pin_mismatch",
    `${origin} ${seen}. Nothing was sent. Make sure that this is the device you mean before you change its pins.`,
    { phase: "connect" },
  );
}

function invalid(): FlashwaveError {
  return new FlashwaveError(
    "invalid_option",
    'A pin is "sha256/" and the base64 of the SHA-256 of the public key, or a SHA-256 fingerprint with colons.',
    { phase: "prepare" },
  );
}
