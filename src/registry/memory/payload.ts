import { hash } from "node:crypto";
import type { Artifact, ArtifactRef } from "../../core/artifact.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { HashAlgorithm, Payload, Segment } from "../../core/payload.ts";
import { invalidOption } from "../failures.ts";

/** An artifact over bytes that were checked when they were kept and have been nobody else's since. */
export function openResident(ref: ArtifactRef, bytes: Uint8Array): Artifact {
  let disposed = false;
  const view = (start: number, end: number): Uint8Array => {
    if (disposed) {
      throw new FlashwaveError("artifact_disposed", "the artifact was disposed of; open it again", {
        phase: "artifact",
      });
    }
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || start > end || end > bytes.byteLength) {
      throw invalidOption("a slice must lie within the artifact");
    }
    return bytes.subarray(start, end);
  };
  const payload: Payload = Object.freeze({
    artifact: ref,
    slice: (start: number, end: number): Segment => view(start, end),
    async hash(algorithm: HashAlgorithm, range?: { readonly start: number; readonly end: number }): Promise<string> {
      return hash(algorithm, view(range?.start ?? 0, range?.end ?? bytes.byteLength));
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
