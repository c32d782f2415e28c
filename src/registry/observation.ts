import type { DeviceStatus } from "../core/device.ts";
import type { Observation } from "../core/device-registry.ts";
import type { Evidence } from "../core/outcome.ts";
import { copyPlain, isPrintable, isRecord, namesOf, strangeField } from "./plain.ts";

export const statuses: readonly DeviceStatus[] = Object.freeze(["online", "offline", "unknown"]);

export const isStatus = (value: unknown): value is DeviceStatus => (statuses as readonly unknown[]).includes(value);

const known = namesOf<Observation>({ id: true, seenAt: true, status: true, firmware: true, evidence: true });

/** Epoch milliseconds, as far as dates go (ECMAScript, time values). */
export const isMoment = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= 8_640_000_000_000_000;

/**
 * An observation, checked and copied; nothing when it is malformed.
 * @param now the registry's clock: one that is ahead of it must not keep later observations out
 */
export function readObservation(row: Observation, now: number): Observation | undefined {
  if (!isRecord(row) || typeof row.id !== "string" || strangeField(row, known) !== undefined) return undefined;
  const { id, seenAt, status, firmware } = row;
  if (!isMoment(seenAt)) return undefined;
  if (status !== undefined && !isStatus(status)) return undefined;
  if (firmware !== undefined && !isPrintable(firmware, 256)) return undefined;
  const evidence = row.evidence === undefined || row.evidence === null ? row.evidence : copyEvidence(id, row.evidence);
  if (row.evidence !== undefined && evidence === undefined) return undefined;
  return {
    id,
    seenAt: Math.min(seenAt, now),
    ...(status === undefined ? {} : { status }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(evidence === undefined ? {} : { evidence }),
  };
}

/** Evidence of another device is malformed: kept here it would be a false success. */
function copyEvidence(id: string, value: unknown): Evidence | undefined {
  const copied = copyPlain(value, { depth: 4, size: 16_384 });
  return isRecord(copied) && copied["device"] === id ? (copied as unknown as Evidence) : undefined;
}
