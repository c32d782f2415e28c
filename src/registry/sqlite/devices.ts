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
import type { Connection } from "../../store/sqlite/index.ts";
import { gather, inSlices } from "../batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "../counted.ts";
import { type ResolvedDeviceFilter, resolveDeviceFilter } from "../device-filter.ts";
import { deviceColumns } from "../device-row.ts";
import type { Feed } from "../feed.ts";
import { issuer, listing } from "../page.ts";
import { resolvePage } from "../page-options.ts";
import { type DeviceRows, observeAll, putDevice } from "../put-device.ts";
import type { DeviceTable } from "./device-table.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { type Driver, devicePage, driverCounts, fewDevices } from "./match-device.ts";
import type { ProfileTable } from "./profile-table.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, profiles: ProfileTable, feed: Feed): DeviceRegistry {
  const { database, counters } = fleet;
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>> {
      fleet.gate.enter(options);
      return counters.measure("devices.getMany", sizeOf, () =>
        gather(ids, (slice) => database.read((on) => table.many(on, slice).map((row) => [row.id, row] as const))),
      );
    },

    async page(filter: DeviceFilter = {}, options?: PageOptions): Promise<Page<RegisteredDevice>> {
      fleet.gate.enter(options);
      const resolved = resolveDeviceFilter(filter, fleet.versions);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      return counters.measure("devices.page", itemsOf, () =>
        database.read((on) => {
          const { sql, parameters } = devicePage(resolved, window, deviceColumns, findDriver(on, resolved));
          const rows = table.rows(on, on.all(sql, ...parameters));
          const page = listing(rows, ({ id }) => id, window, issuer(fleet.cursors, resolved.use));
          return { ...page, feed: feed.cursor(readCounts(on).revision) };
        }),
      );
    },

    async put(rows: readonly DeviceInput[], options?: CallOptions): Promise<readonly DevicePutResult[]> {
      fleet.gate.enter(options);
      return counters.measure("devices.put", lengthOf, () =>
        inSlices(rows, (slice) => database.write((on) => putAll(on, table, profiles, slice))),
      );
    },

    async observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult> {
      fleet.gate.enter(options);
      return counters.measure(
        "devices.observe",
        () => rows.length,
        async () => {
          const results = await inSlices(rows, async (slice) => [
            await database.write((on) => observeAll(slice, (seen) => table.observe(on, seen))),
          ]);
          return {
            unknown: results.flatMap(({ unknown }) => unknown),
            invalid: results.flatMap(({ invalid }) => invalid),
          };
        },
      );
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<number> {
      fleet.gate.enter(options);
      return counters.measure(
        "devices.remove",
        (removed) => removed,
        async () => {
          const removed = await inSlices(ids, (slice) =>
            database.write((on) => slice.filter((id) => removeDevice(on, table, profiles, id))),
          );
          return removed.length;
        },
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>> {
      fleet.gate.enter(options);
      return counters.measure("devices.changes", changesOf, () =>
        feed.read(after, options, (from, most) => database.read((on) => table.stretch(on, from, most))),
      );
    },
  });
}

/** The candidate that has the fewest devices, unless even that has many. */
function findDriver(on: Connection, filter: ResolvedDeviceFilter): Driver | undefined {
  let [found, least]: [Driver | undefined, number] = [undefined, fewDevices];
  for (const { driver, sql, parameters } of driverCounts(filter)) {
    const count = Number(on.get(sql, ...parameters)?.[0]);
    if (count < least) [found, least] = [driver, count];
  }
  return found;
}

function putAll(
  on: Connection,
  table: DeviceTable,
  profiles: ProfileTable,
  inputs: readonly DeviceInput[],
): DevicePutResult[] {
  const bases = new Map<string, boolean>();
  const rows: DeviceRows = {
    isBaseProfile(id) {
      const known = bases.get(id);
      if (known !== undefined) return known;
      const found = profiles.isBase(on, id);
      bases.set(id, found);
      return found;
    },
    revisionOf: (id) => table.revisionOf(on, id),
    put: (fields) => table.put(on, fields),
  };
  return inputs.map((input) => putDevice(rows, input));
}

function removeDevice(on: Connection, table: DeviceTable, profiles: ProfileTable, id: string): boolean {
  if (typeof id !== "string" || !id.isWellFormed() || !table.remove(on, id)) return false;
  profiles.removeDevice(on, id);
  return true;
}
