import type { DeviceStatus } from "../core/device.ts";
import type { DeviceFilter, FirmwareRange } from "../core/device-registry.ts";
import type { VersionScheme } from "../core/versions.ts";
import { invalidOption } from "./failures.ts";
import { bindFilter, keySet, lowerAscii, only, readText } from "./filter.ts";
import { isStatus } from "./observation.ts";
import { isRecord } from "./plain.ts";

const equalities = ["group", "site", "location", "delivery", "profileId"] as const;

/** Bounds as sort keys: two versions compare as their keys do. */
export type FirmwareKeys = { readonly [Bound in keyof FirmwareRange]?: string };

/** A device filter, checked, with its sets in order, and its versions as keys. */
export interface ResolvedDeviceFilter {
  readonly ids: readonly string[] | undefined;
  readonly statuses: readonly DeviceStatus[] | undefined;
  readonly equal: readonly (readonly [field: (typeof equalities)[number], value: string])[];
  readonly tags: readonly string[];
  readonly firmware: FirmwareKeys;
  readonly seenBefore: number | undefined;
  readonly seenAfter: number | undefined;
  /** A to Z in lower case. */
  readonly text: string | undefined;
  /** The same for filters that mean the same: what a cursor is bound to. */
  readonly use: string;
}

/** Each is a table that SQLite joins, and it joins 64 at most. */
const mostTags = 32;

const names = [...equalities, "ids", "status", "tags", "firmware", "seenBefore", "seenAfter", "text"];

/** @throws `invalid_option` for a condition it does not know: to ignore one would select devices nobody meant */
export function resolveDeviceFilter(filter: DeviceFilter, versions: VersionScheme): ResolvedDeviceFilter {
  only(filter, names, "filter");
  const text = readText(filter.text, "filter.text");
  const resolved = {
    ids: keySet(filter.ids, "filter.ids"),
    statuses: resolveStatuses(filter.status),
    equal: equalities.flatMap((field) => {
      const value = readText(filter[field], `filter.${field}`);
      return value === undefined ? [] : [[field, value] as const];
    }),
    tags: keySet(filter.tags, "filter.tags", mostTags) ?? [],
    firmware: resolveFirmware(filter.firmware, versions),
    seenBefore: resolveMoment(filter.seenBefore, "filter.seenBefore"),
    seenAfter: resolveMoment(filter.seenAfter, "filter.seenAfter"),
    text: text === undefined ? undefined : lowerAscii(text),
  };
  return Object.freeze({ ...resolved, use: bindFilter("devices", resolved) });
}

function resolveStatuses(status: DeviceFilter["status"]): readonly DeviceStatus[] | undefined {
  if (status === undefined) return undefined;
  const values = typeof status === "string" ? [status] : keySet(status, "filter.status");
  if (!values?.every(isStatus)) throw invalidOption("filter.status must be online, offline or unknown, or a list");
  return values;
}

function resolveFirmware(range: FirmwareRange | undefined, versions: VersionScheme): FirmwareKeys {
  if (range === undefined) return {};
  if (!isRecord(range)) throw invalidOption("filter.firmware must be an object of bounds");
  const bounds = ["min", "max", "above", "below"] as const;
  only(range, bounds, "filter.firmware");
  const entries = bounds.flatMap((bound) => {
    const version = readText(range[bound], `filter.firmware.${bound}`);
    return version === undefined ? [] : [[bound, versions.sortKey(version)] as const];
  });
  return Object.fromEntries(entries);
}

function resolveMoment(value: number | undefined, name: string): number | undefined {
  if (value !== undefined && !Number.isSafeInteger(value)) throw invalidOption(`${name} must be epoch milliseconds`);
  return value;
}
