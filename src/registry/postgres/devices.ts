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
import { gather, inSlices } from "../batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "../counted.ts";
import { resolveDeviceFilter } from "../device-filter.ts";
import type { Feed } from "../feed.ts";
import { readObservation } from "../observation.ts";
import { issuer, listing } from "../page.ts";
import { resolvePage } from "../page-options.ts";
import { columns, type DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { devicePage } from "./match-device.ts";
import { beside, isStorable } from "./page.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, feed: Feed): DeviceRegistry {
  const { database, counters } = fleet;
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>> {
      fleet.gate.enter(options);
      return counters.measure("devices.getMany", sizeOf, () =>
        gather(ids, async (slice) => (await table.many(slice)).map((row) => [row.id, row] as const)),
      );
    },

    async page(filter: DeviceFilter = {}, options?: PageOptions): Promise<Page<RegisteredDevice>> {
      fleet.gate.enter(options);
      const resolved = resolveDeviceFilter(filter, fleet.versions);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      return counters.measure("devices.page", itemsOf, async () => {
        const page = devicePage(resolved, window, columns, fleet.key);
        const { sql, parameters } = beside("f.revision AS feed", "r.*", page, fleet.key);
        const found = await database.all(sql, ...parameters);
        const rows = table.rows(found.filter((row) => row[1] !== null).map((row) => row.slice(1)));
        const items = listing(rows, ({ id }) => id, window, issuer(fleet.cursors, resolved.use));
        return { ...items, feed: feed.cursor(Number(found[0]?.[0])) };
      });
    },

    async put(rows: readonly DeviceInput[], options?: CallOptions): Promise<readonly DevicePutResult[]> {
      fleet.gate.enter(options);
      return counters.measure("devices.put", lengthOf, () =>
        inSlices(rows, (slice) => database.write(table.put, slice)),
      );
    },

    async observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult> {
      fleet.gate.enter(options);
      return counters.measure(
        "devices.observe",
        () => rows.length,
        async () => {
          const invalid = rows.filter((row) => readObservation(row) === undefined).map((row) => idOf(row));
          const seen = rows.flatMap((row) => readObservation(row) ?? []);
          const known = await inSlices(seen, (slice) => database.write(table.observe, slice));
          return { unknown: seen.filter((_, i) => known[i] === false).map(({ id }) => id), invalid };
        },
      );
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<number> {
      fleet.gate.enter(options);
      return counters.measure(
        "devices.remove",
        (removed) => removed,
        async () => {
          const gone = await inSlices(ids.filter(isStorable), (slice) => database.write(table.remove, slice));
          return gone.filter(Boolean).length;
        },
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>> {
      fleet.gate.enter(options);
      return counters.measure("devices.changes", changesOf, () =>
        feed.read(after, options, (from, most) => table.stretch(from, most)),
      );
    },
  });
}

const idOf = (row: { readonly id?: unknown } | null): string => (typeof row?.id === "string" ? row.id : "");
