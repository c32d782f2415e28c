import type { Payload } from "./payload.ts";

/**
 * What names an artifact: plain JSON, safe to store and to compare. Two references with the same `digest` and
 * `length` are the same bytes.
 */
export interface ArtifactRef {
  /** For people and for `Content-Disposition`; never a path. */
  readonly name: string;
  /** The version a device reports once it runs this artifact. Empty when the artifact was opened without one. */
  readonly version: string;
  /** Bytes. */
  readonly length: number;
  /** SHA-256 of all bytes, 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** Hardware ids this artifact is meant for; absent means "not stated". */
  readonly hardware?: readonly string[];
}

/** A document and the detached signatures that vouch for it, as they were found: nothing of it has been believed yet. */
export interface SignedDocument {
  /** The exact bytes that were signed. */
  readonly document: Uint8Array;
  /** Ed25519 signatures of those bytes, 64 bytes each, as `openssl pkeyutl -sign -rawin` writes them. Their order means nothing. */
  readonly signatures: readonly Uint8Array[];
}

/** By its shape: documents are handed in from anywhere. */
export function isSignedDocument(value: unknown): value is SignedDocument {
  const { document, signatures } = Object(value) as Partial<SignedDocument>;
  return (
    document instanceof Uint8Array && Array.isArray(signatures) && signatures.every((one) => one instanceof Uint8Array)
  );
}

/**
 * An opened, immutable artifact. Open it once and share it between any number of devices: a delivery never sees
 * state that another delivery could change.
 */
export interface Artifact extends ArtifactRef, AsyncDisposable {
  /** The bytes. Stateless: any number of slices may be in motion at once. */
  readonly payload: Payload;
  /** The reference alone, frozen: what receipts and records keep. */
  readonly ref: ArtifactRef;
  /** The manifest that it was opened with. A client with an admission policy judges it; nobody else looks at it. */
  readonly manifest?: SignedDocument;
  /** The minisign signature of its bytes that it was opened with, as it was found. */
  readonly minisign?: Uint8Array;
}
