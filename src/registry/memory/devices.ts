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
import { checkKeys, checkList } from "../filter.ts";
import { changesOptions, pageOptions, resolvePage } from "../page-options.ts";
import { type DeviceRows, observeAll, putDevice } from "../put-device.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { matchesDevice } from "./match-device.ts";
import { issuer, keysAfter, readListing } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, profiles: ProfileTable): DeviceRegistry {
  const all = deviceRows(table, profiles);
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>> {
      fleet.gate.enter(options);
      checkKeys(ids, "ids");
      const found = new Map<string, RegisteredDevice>();
      for (const id of ids) {
        const entry = table.entries.get(id);
        if (entry !== undefined) found.set(id, entry.row);
      }
      return found;
    },

    async page(filter: DeviceFilter = {}, options?: PageOptions): Promise<Page<RegisteredDevice>> {
      fleet.gate.enter(options, pageOptions);
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
      checkList(rows, "rows");
      return rows.map((input) => putDevice(all, input));
    },

    async observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult> {
      fleet.gate.enter(options);
      checkList(rows, "rows");
      return observeAll(rows, fleet.clock.wall(), (seen) => {
        const entry = table.entries.get(seen.id);
        if (entry !== undefined) table.observe(entry, seen);
        return entry !== undefined;
      });
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<number> {
      fleet.gate.enter(options);
      checkKeys(ids, "ids");
      let removed = 0;
      for (const id of ids) {
        if (!table.remove(id)) continue;
        removed += 1;
        profiles.removeDevice(id);
      }
      return removed;
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>> {
      fleet.gate.enter(options, changesOptions);
      return table.feed.read(after, options, () => true);
    },
  });
}

/** What a put asks of the tables. */
export function deviceRows(table: DeviceTable, profiles: ProfileTable): DeviceRows {
  return {
    isBaseProfile: (id) => profiles.isBase(id),
    revisionOf: (id) => table.entries.get(id)?.row.revision ?? 0,
    put: (fields) => table.put(fields),
  };
}
