import type { Artifact, ArtifactRef } from "./artifact.ts";
import type { CallOptions, Listing, PageOptions } from "./page.ts";

/** The artifacts of one fleet, kept under their SHA-256. Errors as for `DeviceRegistry`, and those named here. */
export interface ArtifactStore {
  /**
   * Keeps a copy of the bytes; the artifact stays the caller's to dispose of. Doing it twice is doing it once: bytes
   * already kept are not read again, and their first name stays.
   * @returns the reference as it is kept
   * @throws `artifact_digest_mismatch` when the bytes are not the ones `digest` and `length` name; nothing is kept
   * @throws `invalid_option` when these bytes are kept as another version or for other hardware: the same bytes cannot
   * report two versions
   */
  put(artifact: Artifact, options?: CallOptions): Promise<ArtifactRef>;
  /**
   * Opens one, to share between any number of devices and to dispose of after. Where the bytes may have been changed
   * behind the store's back, they are read whole and held against `digest` first.
   * @throws `artifact_unreadable` when there is none with this digest
   * @throws `artifact_digest_mismatch` or `artifact_changed` when what is kept under it is not what was put
   */
  open(digest: string, options?: CallOptions): Promise<Artifact>;
  /** Forgets one. Returns whether there was one. What is open then may become unreadable, but never yields other bytes. */
  remove(digest: string, options?: CallOptions): Promise<boolean>;
  /** References in the order of their digests. @throws `invalid_cursor` */
  list(options?: PageOptions): Promise<Listing<ArtifactRef>>;
}
