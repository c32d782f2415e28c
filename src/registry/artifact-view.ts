import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { HashAlgorithm, Payload, Segment } from "../core/payload.ts";
import { invalidOption } from "./failures.ts";

/** Where a driver keeps the bytes of one artifact. Ranges are checked before they get here. */
export interface ArtifactBytes {
  slice(start: number, end: number): Segment;
  hash(algorithm: HashAlgorithm, start: number, end: number): string | Promise<string>;
}

/**
 * An artifact over bytes that a driver keeps.
 * @throws `artifact_disposed`, and `invalid_option` for a range that is none of the artifact's
 */
export function viewArtifact(ref: ArtifactRef, bytes: ArtifactBytes): Artifact {
  let disposed = false;
  const check = (start: number, end: number): void => {
    if (disposed) {
      throw new FlashwaveError("artifact_disposed", "the artifact was disposed of; open it again", {
        phase: "artifact",
      });
    }
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || start > end || end > ref.length) {
      throw invalidOption("a slice must lie within the artifact");
    }
  };
  const payload: Payload = Object.freeze({
    artifact: ref,
    slice(start: number, end: number): Segment {
      check(start, end);
      return bytes.slice(start, end);
    },
    async hash(algorithm: HashAlgorithm, range?: { readonly start: number; readonly end: number }): Promise<string> {
      const { start, end } = range ?? { start: 0, end: ref.length };
      check(start, end);
      return bytes.hash(algorithm, start, end);
    },
  });
  return Object.freeze({
    ...ref,
    ref,
    payload,
    async [Symbol.asyncDispose](): Promise<void> {
      disposed = true;
    },
  });
}
