import { hash } from "node:crypto";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import type { Chunks, Segment } from "../core/payload.ts";

export interface TestArtifact extends Artifact {
  /** How often its bytes were asked for. */
  readonly reads: () => number;
}

/**
 * An artifact whose source hands out the same memory again and again, and spoils it in between, as a source may.
 * @param claim what its reference says otherwise than is true
 */
export function testArtifact(
  content: string | Uint8Array,
  claim: Partial<ArtifactRef> = {},
  chunk = 1_000,
): TestArtifact {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const digest = hash("sha256", bytes);
  const ref = Object.freeze({ name: "fw.bin", version: "1.0.0", length: bytes.byteLength, digest, ...claim });
  let reads = 0;
  const slice = (start: number, end: number): Segment => {
    reads += 1;
    return reusing(bytes.subarray(start, end), chunk);
  };
  const payload = { artifact: ref, slice, hash: async () => digest };
  return { ...ref, ref, payload, reads: () => reads, [Symbol.asyncDispose]: async () => {} };
}

function reusing(bytes: Uint8Array, chunk: number): Chunks {
  return {
    length: bytes.byteLength,
    async *[Symbol.asyncIterator]() {
      const memory = new Uint8Array(chunk);
      for (let at = 0; at < bytes.byteLength; at += chunk) {
        const part = bytes.subarray(at, at + chunk);
        memory.set(part);
        yield memory.subarray(0, part.byteLength);
        memory.fill(0xee);
      }
    },
  };
}
