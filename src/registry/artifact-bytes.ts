import { createHash } from "node:crypto";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import { invalidOption } from "./failures.ts";
import { isPrintable } from "./plain.ts";

/** The reference to keep: frozen, of known fields alone. @throws `invalid_option` when it is none */
export function readReference(artifact: ArtifactRef): ArtifactRef {
  const { name, version, length, digest, hardware } = artifact;
  if (!isPrintable(name, 256)) throw invalidOption("an artifact's name must be 1 to 256 printable characters");
  if (version !== "" && !isPrintable(version, 256)) {
    throw invalidOption("an artifact's version must be empty or 1 to 256 printable characters");
  }
  if (!Number.isSafeInteger(length) || length < 1) throw invalidOption("an artifact's length must be 1 byte or more");
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) {
    throw invalidOption("an artifact's digest must be 64 lower-case hexadecimal digits");
  }
  if (hardware !== undefined && !(Array.isArray(hardware) && hardware.every((id) => isPrintable(id, 256)))) {
    throw invalidOption("an artifact's hardware must be ids of 1 to 256 printable characters");
  }
  return Object.freeze({
    name,
    version,
    length,
    digest,
    ...(hardware === undefined ? {} : { hardware: Object.freeze([...hardware]) }),
  });
}

/** @throws `invalid_option` when bytes that are kept already are given another meaning */
export function checkSameMeaning(kept: ArtifactRef, given: ArtifactRef): void {
  const same =
    kept.version === given.version && JSON.stringify(kept.hardware ?? null) === JSON.stringify(given.hardware ?? null);
  if (same) return;
  throw invalidOption(
    "these bytes are kept as another version or for other hardware; remove the kept artifact first, or put it as it is",
  );
}

/**
 * Reads all bytes of an artifact, hands each stretch to `write` (it is the source's memory: copy it), and checks them.
 * @throws `artifact_digest_mismatch` unless they are what the reference names
 */
export async function readBytes(
  artifact: Artifact,
  reference: ArtifactRef,
  write: (chunk: Uint8Array, position: number) => void | Promise<void>,
): Promise<void> {
  const segment = artifact.payload.slice(0, reference.length);
  const chunks = segment instanceof Uint8Array ? [segment] : segment;
  const hash = createHash("sha256");
  let position = 0;
  for await (const chunk of chunks) {
    if (position + chunk.byteLength > reference.length) throw mismatch();
    hash.update(chunk);
    await write(chunk, position);
    position += chunk.byteLength;
  }
  if (position !== reference.length || hash.digest("hex") !== reference.digest) throw mismatch();
}

function mismatch(): FlashwaveError<"artifact_digest_mismatch"> {
  return new FlashwaveError(
    "artifact_digest_mismatch",
    "the artifact's bytes are not those that its digest and length name; nothing was kept, open the artifact again",
    { phase: "artifact" },
  );
}

export function unknownArtifact(): FlashwaveError<"artifact_unreadable"> {
  return new FlashwaveError("artifact_unreadable", "the registry keeps no artifact with this digest; put it first", {
    phase: "artifact",
  });
}
