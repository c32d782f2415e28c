import type {
  DeviceFilter,
  DeviceInput,
  DevicePutResult,
  DeviceRegistry,
  Observation,
  ObserveResult,
  RegisteredDevice,
} from "../../core/device-registry.ts";
import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "../../core/page.ts";
import { resolveDeviceFilter } from "../device-filter.ts";
import { readDevice } from "../device-input.ts";
import { readObservation } from "../observation.ts";
import { resolvePage } from "../page-options.ts";
import { Refusal } from "../plain.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { matchesDevice } from "./match-device.ts";
import { issuer, keysAfter, readListing } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, profiles: ProfileTable): DeviceRegistry {
  const putOne = (input: DeviceInput): DevicePutResult => putDevice(table, profiles, input);
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>> {
      fleet.gate.enter(options);
      const found = new Map<string, RegisteredDevice>();
      for (const id of ids) {
        const entry = table.entries.get(id);
        if (entry !== undefined) found.set(id, entry.row);
      }
      return found;
    },

    async page(filter: DeviceFilter = {}, options?: PageOptions): Promise<Page<RegisteredDevice>> {
      fleet.gate.enter(options);
      const resolved = resolveDeviceFilter(filter, fleet.versions);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      const match = (id: string): RegisteredDevice | undefined => {
        const entry = table.entries.get(id);
        return entry !== undefined && matchesDevice(resolved, entry) ? entry.row : undefined;
      };
      const keys = keysAfter(table.keys, resolved.ids, window.after);
      return { ...readListing(keys, match, window, issuer(fleet.cursors, resolved.use)), feed: table.feed.end() };
    },

    async put(rows: readonly DeviceInput[], options?: CallOptions): Promise<readonly DevicePutResult[]> {
      fleet.gate.enter(options);
      return rows.map(putOne);
    },

    async observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult> {
      fleet.gate.enter(options);
      return observeAll(table, rows);
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<number> {
      fleet.gate.enter(options);
      let removed = 0;
      for (const id of ids) {
        if (!table.remove(id)) continue;
        removed += 1;
        profiles.removeDevice(id);
      }
      return removed;
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>> {
      fleet.gate.enter(options);
      return table.feed.read(after, options, () => true);
    },
  });
}

/** Puts one device, after all checks. */
export function putDevice(table: DeviceTable, profiles: ProfileTable, input: DeviceInput): DevicePutResult {
  const fields = readDevice(input);
  if (fields instanceof Refusal) return { id: typeof input?.id === "string" ? input.id : "", ...fields };
  const { id } = fields;
  if (fields.profileId !== undefined && !profiles.isBase(fields.profileId)) {
    return { id, result: "invalid_profile", reason: "profileId must be the id of a base profile of this registry" };
  }
  const revision = table.entries.get(id)?.row.revision ?? 0;
  if (input.ifRevision !== undefined && input.ifRevision !== revision) return { id, result: "conflict", revision };
  return { id, ...table.put(fields) };
}

function observeAll(table: DeviceTable, rows: readonly Observation[]): ObserveResult {
  const unknown: string[] = [];
  const invalid: string[] = [];
  for (const row of rows) {
    const seen = readObservation(row);
    const entry = seen === undefined ? undefined : table.entries.get(seen.id);
    if (seen === undefined) invalid.push(typeof row?.id === "string" ? row.id : "");
    else if (entry === undefined) unknown.push(seen.id);
    else table.observe(entry, seen);
  }
  return { unknown, invalid };
}
