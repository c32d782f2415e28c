import type { Device } from "../core/device.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { DeviceState, Evidence } from "../core/outcome.ts";
import type { Observation, RegisteredDevice } from "../core/registry.ts";
import type { VersionScheme } from "../core/versions.ts";

// A success is what was seen, and what is seen later can take it back: a device may go back to its old image long after
// it was verified, without a word.

/**
 * Whether a later read shows something else than what evidence proved: another digest where both tell one, else another
 * version. A read that another device answered says nothing about this one.
 */
export function contradicts(state: DeviceState, evidence: Evidence, { equal }: Pick<VersionScheme, "equal">): boolean {
  if (state.deviceId !== undefined && state.deviceId !== evidence.device) return false;
  if (state.digest !== undefined && evidence.digest !== undefined) return state.digest !== evidence.digest;
  return !equal(state.version, evidence.version);
}

/** What a registry keeps of an earlier verification; nothing for a device that was handed in, or never proven. */
export function evidenceHeld(device: Device): Evidence | undefined {
  const { evidence } = device as Partial<RegisteredDevice>;
  return isEvidenceOf(evidence, device.id) ? evidence : undefined;
}

/** Evidence may have been stored, and come back as anything. */
export function isEvidenceOf(evidence: unknown, device: string): evidence is Evidence {
  const { device: of, version, digest, lastSeenAt } = Object(evidence) as Partial<Record<keyof Evidence, unknown>>;
  if (of !== device || typeof version !== "string" || !Number.isFinite(lastSeenAt)) return false;
  return digest === undefined || typeof digest === "string";
}

/** What the registry is told. Never before the evidence itself, however the clocks of two machines differ. */
export function withdrawal(id: string, { lastSeenAt }: Evidence, { readAt, version }: DeviceState): Observation {
  return { id, seenAt: Math.max(readAt, lastSeenAt), status: "online", firmware: version, evidence: null };
}

export function notWithdrawn(evidence: Evidence, state: DeviceState, cause: unknown): FlashwaveError {
  return new FlashwaveError(
    "registry_failed",
    `The device was proven to run version ${JSON.stringify(evidence.version)} and now reports ${JSON.stringify(state.version)}, but the registry could not take its evidence back. Mend the registry and read the device again.`,
    { phase: "registry", device: evidence.device, cause },
  );
}
