import type { ArtifactRef } from "./artifact.ts";

/**
 * A stretch of bytes in motion whose length is known before the first byte, so that `Content-Length` is always exact
 * (RFC 9110 §8.6).
 *
 * A yielded chunk belongs to the consumer only until it asks for the next one *and* the socket has flushed it: a
 * source may hand the same memory out again. Ending the iteration early (`return()`) releases memory and handles.
 */
export interface Chunks {
  readonly length: number;
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void>;
}

/** A body, or a part of one: plain bytes when small or resident, chunks otherwise. */
export type Segment = Uint8Array | Chunks;

export type HashAlgorithm = "md5" | "sha1" | "sha256" | "blake2b512";

/** An artifact's bytes in motion. */
export interface Payload {
  readonly artifact: ArtifactRef;
  /**
   * Bytes `[start, end)`. Stateless, so a whole body, a resume at an offset and a part of a multipart body are all
   * the same call. Every block is checked against the table made at open *before* it is yielded; a mismatch throws
   * `artifact_changed` and no byte of that block leaves.
   */
  slice(start: number, end: number): Segment;
  /** A digest of `[start, end)` (default: all), lower-case hexadecimal, for protocols that want one up front. */
  hash(algorithm: HashAlgorithm, range?: { readonly start: number; readonly end: number }): Promise<string>;
}
