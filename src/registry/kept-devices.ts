import type { Clock } from "../core/clock.ts";
import type {
  DeviceFilter,
  DeviceInput,
  DevicePutResult,
  DeviceRegistry,
  Observation,
  ObserveResult,
  RegisteredDevice,
} from "../core/device-registry.ts";
import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "../core/page.ts";
import type { VersionScheme } from "../core/versions.ts";
import { gather, inSlices } from "./batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "./counted.ts";
import { type ResolvedDeviceFilter, resolveDeviceFilter } from "./device-filter.ts";
import type { Feed, Stretch } from "./feed.ts";
import { checkKeys, checkList } from "./filter.ts";
import type { Keeper } from "./keeper.ts";
import { readObservation } from "./observation.ts";
import { type FoundPage, issuer, listing } from "./page.ts";
import { changesOptions, type PageWindow, pageOptions, resolvePage } from "./page-options.ts";

/** What a database does with devices: each call a slice of rows, in statements of one moment or one commit. */
export interface KeptDevices {
  many(ids: readonly string[]): Promise<readonly RegisteredDevice[]>;
  page(filter: ResolvedDeviceFilter, window: PageWindow): Promise<FoundPage<RegisteredDevice>>;
  put(inputs: readonly DeviceInput[]): Promise<readonly DevicePutResult[]>;
  /** @returns of each whether its device is known */
  observe(seen: readonly Observation[]): Promise<readonly boolean[]>;
  /** @returns how many were there */
  remove(ids: readonly string[]): Promise<number>;
  stretch(after: number, most: number): Promise<Stretch<RegisteredDevice>>;
}

/** The port before a database's devices: options are checked, batches cut into slices, calls counted. */
export function keepDevices(
  { gate, counters, cursors, versions, clock }: Keeper & { readonly versions: VersionScheme; readonly clock: Clock },
  kept: KeptDevices,
  feed: Feed,
): DeviceRegistry {
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>> {
      gate.enter(options);
      checkKeys(ids, "ids");
      return counters.measure("devices.getMany", sizeOf, () =>
        gather(ids, async (slice) => (await kept.many(slice)).map((row) => [row.id, row] as const)),
      );
    },

    async page(filter: DeviceFilter = {}, options?: PageOptions): Promise<Page<RegisteredDevice>> {
      gate.enter(options, pageOptions);
      const resolved = resolveDeviceFilter(filter, versions);
      const window = resolvePage(cursors, resolved.use, options);
      return counters.measure("devices.page", itemsOf, async () => {
        const { rows, end } = await kept.page(resolved, window);
        const page = listing(rows, ({ id }) => id, window, issuer(cursors, resolved.use));
        return { ...page, feed: feed.cursor(end) };
      });
    },

    async put(rows: readonly DeviceInput[], options?: CallOptions): Promise<readonly DevicePutResult[]> {
      gate.enter(options);
      checkList(rows, "rows");
      return counters.measure("devices.put", lengthOf, () => inSlices(rows, kept.put));
    },

    async observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult> {
      gate.enter(options);
      checkList(rows, "rows");
      return counters.measure(
        "devices.observe",
        () => rows.length,
        async () => {
          const now = clock.wall();
          const read = rows.map((row) => readObservation(row, now));
          const seen = read.filter((one) => one !== undefined);
          const known = await inSlices(seen, kept.observe);
          return {
            unknown: seen.filter((_, i) => known[i] === false).map(({ id }) => id),
            invalid: rows.filter((_, i) => read[i] === undefined).map(idOf),
          };
        },
      );
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<number> {
      gate.enter(options);
      checkKeys(ids, "ids");
      return counters.measure(
        "devices.remove",
        (removed) => removed,
        async () => {
          const removed = await inSlices(ids, async (slice) => [await kept.remove(slice)]);
          return removed.reduce((sum, some) => sum + some, 0);
        },
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>> {
      gate.enter(options, changesOptions);
      return counters.measure("devices.changes", changesOf, () => feed.read(after, options, kept.stretch));
    },
  });
}

const idOf = (row: { readonly id?: unknown } | null): string => (typeof row?.id === "string" ? row.id : "");
