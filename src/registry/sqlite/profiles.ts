import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "../../core/page.ts";
import type { Profile } from "../../core/profile.ts";
import type {
  ProfileFilter,
  ProfileInput,
  ProfileItem,
  ProfileItemKind,
  ProfileMetrics,
  ProfilePutResult,
  ProfileRegistry,
  ProfileRemoval,
  ProfileRow,
  ProfileSubject,
  ResolveOptions,
} from "../../core/profile-registry.ts";
import type { Connection } from "../../store/sqlite/index.ts";
import { gather, inSlices } from "../batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "../counted.ts";
import { invalidOption } from "../failures.ts";
import type { Feed } from "../feed.ts";
import { issuer, listing } from "../page.ts";
import { resolvePage, resolveRevision } from "../page-options.ts";
import { resolveProfileFilter } from "../profile-filter.ts";
import { isItemKind } from "../profile-items.ts";
import { type ProfileRows, putProfile } from "../put-profile.ts";
import type { DeviceTable } from "./device-table.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { profilePage } from "./match-profile.ts";
import type { FoundProfile, ProfileTable } from "./profile-table.ts";
import { Resolver } from "./resolver.ts";

export function createProfiles(fleet: Fleet, table: ProfileTable, devices: DeviceTable, feed: Feed): ProfileRegistry {
  const { database, counters } = fleet;
  const resolver = new Resolver(fleet.profiles);
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>> {
      fleet.gate.enter(options);
      return counters.measure("profiles.getMany", sizeOf, () =>
        gather(ids, (slice) => database.read((on) => table.many(on, slice).map((row) => [row.id, row] as const))),
      );
    },

    async page(filter: ProfileFilter = {}, options?: PageOptions): Promise<Page<ProfileRow>> {
      fleet.gate.enter(options);
      const resolved = resolveProfileFilter(filter);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      const { sql, parameters } = profilePage(resolved, window);
      return counters.measure("profiles.page", itemsOf, () =>
        database.read((on) => {
          const rows = table.rows(on, on.all(sql, ...parameters));
          const page = listing(rows, ({ id }) => id, window, issuer(fleet.cursors, resolved.use));
          return { ...page, feed: feed.cursor(readCounts(on).revision) };
        }),
      );
    },

    async put(rows: readonly ProfileInput[], options?: CallOptions): Promise<readonly ProfilePutResult[]> {
      fleet.gate.enter(options);
      return counters.measure("profiles.put", lengthOf, () =>
        inSlices(rows, (slice) =>
          database.write((on) => {
            const places = profileRows(on, table, devices);
            return slice.map((input) => putProfile(places, input));
          }),
        ),
      );
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval> {
      fleet.gate.enter(options);
      return counters.measure(
        "profiles.remove",
        ({ removed }) => removed,
        () =>
          database.write((on) => {
            const inUse = table.inUse(on, ids);
            const free = ids.filter((id) => typeof id === "string" && id.isWellFormed() && !inUse.includes(id));
            return { removed: free.reduce((removed, id) => removed + table.remove(on, id), 0), inUse };
          }),
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      return counters.measure("profiles.changes", changesOf, () =>
        feed.read(after, options, (from, most) => database.read((on) => table.stretch(on, from, most))),
      );
    },

    async overridesSince(
      parents: readonly string[],
      after: Cursor,
      options?: ChangesOptions,
    ): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      const wanted = [...new Set(parents)];
      return counters.measure("profiles.overridesSince", changesOf, () =>
        feed.read(after, options, (from, most) => database.read((on) => table.stretch(on, from, most, wanted))),
      );
    },

    async items(
      ids: readonly string[],
      kind: ProfileItemKind,
      options?: CallOptions,
    ): Promise<ReadonlyMap<string, readonly ProfileItem[]>> {
      fleet.gate.enter(options);
      if (!isItemKind(kind)) throw invalidOption("kind must be header, query, form or check");
      return counters.measure("profiles.items", sizeOf, () =>
        gather(ids, (slice) => database.read((on) => table.items(on, slice, kind))),
      );
    },

    async resolveMany(
      subjects: readonly ProfileSubject[],
      options?: ResolveOptions,
    ): Promise<ReadonlyMap<string, Profile>> {
      fleet.gate.enter(options);
      const at = resolveRevision(options);
      return counters.measure("profiles.resolveMany", sizeOf, () =>
        gather(subjects, (slice) => database.read((on) => [...resolver.resolve(on, slice, at)])),
      );
    },

    async metrics(options?: CallOptions): Promise<ProfileMetrics> {
      fleet.gate.enter(options);
      return counters.measure(
        "profiles.metrics",
        () => 1,
        () => database.read((on) => readMetrics(on)),
      );
    },
  });
}

function readMetrics(on: Connection): ProfileMetrics {
  const { profiles, overrides, items, profileRevision } = readCounts(on);
  return { profiles, overrides, items, revision: profileRevision };
}

function profileRows(on: Connection, table: ProfileTable, devices: DeviceTable): ProfileRows<FoundProfile> {
  return {
    find: (id) => table.find(on, id),
    isDevice: (id) => devices.has(on, id),
    put: (fields, parent, before) => table.put(on, fields, parent, before),
  };
}
