import type { Device, DeviceStatus } from "../core/device.ts";
import type { RegisteredDevice } from "../core/device-registry.ts";
import type { Evidence } from "../core/outcome.ts";
import type { Profile } from "../core/profile.ts";
import type { DeviceFields } from "./device-input.ts";
import { frozen, parseJson, readJson } from "./json.ts";

/** The columns that `readDeviceRow` reads, in its order. */
export const ownColumns: string = `id, address, name, delivery, place, site, location, profile, inline, rest, status, seen_at, firmware,
  evidence, created_at, updated_at, revision`;

/** The same of a device `d` in a join. */
export const deviceColumns: string = ownColumns.replace(/\w+/g, "d.$&");

/** Where `inline` stands in a row of `deviceColumns`. */
export const inlineColumn = 8;

type Columns = readonly [
  id: string,
  address: string,
  name: string | null,
  delivery: string | null,
  group: string | null,
  site: string | null,
  location: string | null,
  profileId: string | null,
  inline: number | null,
  rest: string | null,
  status: DeviceStatus,
  seenAt: number | null,
  firmware: string | null,
  evidence: string | null,
  createdAt: number,
  updatedAt: number,
  revision: number,
];

type Rest = Pick<Device, "probe" | "pins" | "tags" | "metadata" | "credentials">;
type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** @param profiles the inline profiles of these rows, by key */
export function readDeviceRow(values: readonly unknown[], profiles: ReadonlyMap<number, Profile>): RegisteredDevice {
  // biome-ignore format: a line of what was put, one of what was observed
  const [id, address, name, delivery, group, site, location, profileId, inline, rest,
    status, seenAt, firmware, evidence, createdAt, updatedAt, revision] = values as unknown as Columns;
  const row: Mutable<RegisteredDevice> = { id, address, status, createdAt, updatedAt, revision };
  if (name !== null) row.name = name;
  if (delivery !== null) row.delivery = delivery;
  if (group !== null) row.group = group;
  if (site !== null) row.site = site;
  if (location !== null) row.location = location;
  if (profileId !== null) row.profileId = profileId;
  if (inline !== null) row.profile = profiles.get(inline) as Profile;
  if (rest !== null) addRest(row, parseJson<Rest>(rest));
  if (seenAt !== null) row.lastSeen = seenAt;
  if (firmware !== null) row.firmware = firmware;
  if (evidence !== null) row.evidence = readJson<Evidence>(evidence);
  return Object.freeze(row);
}

/** By name: whoever could write to the database must not put an address or a prototype in by this way. */
function addRest(row: Mutable<RegisteredDevice>, { probe, pins, tags, metadata, credentials }: Rest): void {
  if (probe !== undefined) row.probe = frozen(probe);
  if (pins !== undefined) row.pins = frozen(pins);
  if (tags !== undefined) row.tags = frozen(tags);
  if (metadata !== undefined) row.metadata = frozen(metadata);
  if (credentials !== undefined) row.credentials = frozen(credentials);
}

/** What has no column of its own, since no filter asks for it. */
export function writeRest({ probe, pins, tags, metadata, credentials }: DeviceFields): string | null {
  const rest = { probe, pins, tags, metadata, credentials };
  if (Object.values(rest).every((value) => value === undefined)) return null;
  return JSON.stringify(rest satisfies { [Name in keyof Rest]: Rest[Name] | undefined });
}
