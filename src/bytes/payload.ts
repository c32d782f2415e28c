import type { ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { HashAlgorithm, Payload } from "../core/payload.ts";
import { digestOf } from "./digest.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Stored } from "./stored.ts";

const algorithms: readonly HashAlgorithm[] = ["md5", "sha1", "sha256", "blake2b512"];

/**
 * The payload of an opened artifact. `slice` and `hash` throw `invalid_option` for a range outside the artifact and
 * `artifact_disposed` after disposal. A digest of the whole is computed once and remembered.
 */
export function createPayload(artifact: ArtifactRef, stored: Stored, lifetime: Lifetime): Payload {
  const { length } = stored;
  const known = new Map<HashAlgorithm, Promise<string>>([["sha256", Promise.resolve(stored.digest)]]);

  const digestWhole = (algorithm: HashAlgorithm): Promise<string> => {
    const found = known.get(algorithm);
    if (found) return found;
    const computed = digestOf(algorithm, stored.slice(0, length, lifetime, "artifact"));
    known.set(algorithm, computed);
    // A failure is told to those who wait for it and forgotten: the next call looks again.
    computed.catch(() => known.delete(algorithm));
    return computed;
  };

  return Object.freeze<Payload>({
    artifact,
    slice(start, end) {
      checkRange(start, end, length);
      lifetime.check("send");
      return stored.slice(start, end, lifetime, "send");
    },
    async hash(algorithm, range) {
      if (!algorithms.includes(algorithm))
        throw invalid(`hash takes ${algorithms.join(", ")}, not ${JSON.stringify(algorithm)}`);
      const { start, end } = range ?? { start: 0, end: length };
      checkRange(start, end, length);
      lifetime.check("artifact");
      if (start === 0 && end === length) return digestWhole(algorithm);
      return digestOf(algorithm, stored.slice(start, end, lifetime, "artifact"));
    },
  });
}

function checkRange(start: number, end: number, length: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= length) return;
  throw invalid(`bytes [${start}, ${end}) are not a range of an artifact of ${length} bytes`);
}

function invalid(message: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `${message}.`, { phase: "prepare" });
}
