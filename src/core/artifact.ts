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

/**
 * An opened, immutable artifact. Open it once and share it between any number of devices: a delivery never sees
 * state that another delivery could change.
 */
export interface Artifact extends ArtifactRef, AsyncDisposable {
  /** The bytes. Stateless: any number of slices may be in motion at once. */
  readonly payload: Payload;
  /** The reference alone, frozen: what receipts and records keep. */
  readonly ref: ArtifactRef;
}
