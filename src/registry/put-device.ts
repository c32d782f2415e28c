import type { DeviceInput, DevicePutResult, Observation, ObserveResult } from "../core/device-registry.ts";
import { type DeviceFields, readDevice } from "./device-input.ts";
import { readObservation } from "./observation.ts";
import { isRecord, Refusal } from "./plain.ts";

/** What a put needs of the devices that are there, and of the profiles they name. */
export interface DeviceRows {
  isBaseProfile(id: string): boolean;
  /** 0: there is no such device. */
  revisionOf(id: string): number;
  put(fields: DeviceFields): { readonly result: "created" | "updated"; readonly revision: number };
}

/** Puts one device, after all checks. */
export function putDevice(rows: DeviceRows, input: DeviceInput): DevicePutResult {
  const fields = readDevice(input);
  if (fields instanceof Refusal) return refused(input, fields);
  const { id } = fields;
  if (fields.profileId !== undefined && !rows.isBaseProfile(fields.profileId)) return unknownProfile(id);
  if (input.ifRevision !== undefined) {
    const revision = rows.revisionOf(id);
    if (input.ifRevision !== revision) return { id, result: "conflict", revision };
  }
  return { id, ...rows.put(fields) };
}

/** The result for a row that cannot be read. */
export function refused<R extends Refusal<string>>(input: unknown, refusal: R): { readonly id: string } & R {
  const id = isRecord(input) ? input["id"] : undefined;
  return { id: typeof id === "string" ? id : "", ...refusal };
}

export function unknownProfile(id: string): DevicePutResult {
  return { id, result: "invalid_profile", reason: "profileId must be the id of a base profile of this registry" };
}

/** @param observe keeps one observation; returns whether the device is known */
export function observeAll(
  rows: readonly Observation[],
  now: number,
  observe: (seen: Observation) => boolean,
): ObserveResult {
  const unknown: string[] = [];
  const invalid: string[] = [];
  for (const row of rows) {
    const seen = readObservation(row, now);
    if (seen === undefined) invalid.push(typeof row?.id === "string" ? row.id : "");
    else if (!observe(seen)) unknown.push(seen.id);
  }
  return { unknown, invalid };
}
