import { hash } from "node:crypto";
import type { Artifact, ArtifactRef } from "../../core/artifact.ts";
import { viewArtifact } from "../artifact-view.ts";

/** An artifact over bytes that were checked when they were kept and have been nobody else's since. */
export function openResident(ref: ArtifactRef, bytes: Uint8Array): Artifact {
  return viewArtifact(ref, {
    slice: (start, end) => bytes.subarray(start, end),
    hash: (algorithm, start, end) => hash(algorithm, bytes.subarray(start, end)),
  });
}
