import { createHash, type KeyObject, sign, verify } from "node:crypto";
import type { SignedDocument } from "../core/artifact.ts";
import type { TrustedKey } from "./keys.ts";

const signatureBytes = 64;
export const maxSignatures = 32;

/** Signs the exact bytes of a document; `openssl pkeyutl -verify -rawin` can check it. */
export const signDocument = (document: Uint8Array, key: KeyObject): Uint8Array => sign(null, document, key);

/**
 * Ids of the keys of which some signature is over exactly these bytes, each once: a key that signed twice counts once.
 * Signatures by other keys, or that are none, are passed over; of more than 32 none is looked at.
 */
export function signersOf({ document, signatures }: SignedDocument, keys: readonly TrustedKey[]): readonly string[] {
  if (signatures.length > maxSignatures) return [];
  const whole = signatures.filter((signature) => signature.byteLength === signatureBytes);
  return keys.filter(({ key }) => whole.some((one) => verify(null, document, key, one))).map(({ id }) => id);
}

/** What an approval names a manifest by: SHA-256 of its document, hexadecimal. */
export const documentDigest = ({ document }: Pick<SignedDocument, "document">): string =>
  createHash("sha256").update(document).digest("hex");
