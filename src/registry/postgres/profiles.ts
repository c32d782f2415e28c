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
import { gather, inSlices } from "../batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "../counted.ts";
import { invalidOption } from "../failures.ts";
import type { Feed } from "../feed.ts";
import { issuer, listing } from "../page.ts";
import { resolvePage, resolveRevision } from "../page-options.ts";
import { resolveProfileFilter } from "../profile-filter.ts";
import { isItemKind } from "../profile-items.ts";
import { profileColumns } from "../profile-row.ts";
import type { Fleet } from "./fleet.ts";
import { profilePage } from "./match-profile.ts";
import { beside, isStorable } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";
import { resolveProfiles } from "./resolver.ts";

const metricsStatement = `SELECT profiles, fleet_overrides, group_overrides, device_overrides, items, profile_revision
  FROM flashwave.fleet WHERE key = $1`;

export function createProfiles(fleet: Fleet, table: ProfileTable, feed: Feed): ProfileRegistry {
  const { database, counters } = fleet;
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>> {
      fleet.gate.enter(options);
      return counters.measure("profiles.getMany", sizeOf, () =>
        gather(ids, async (slice) => (await table.many(slice)).map((row) => [row.id, row] as const)),
      );
    },

    async page(filter: ProfileFilter = {}, options?: PageOptions): Promise<Page<ProfileRow>> {
      fleet.gate.enter(options);
      const resolved = resolveProfileFilter(filter);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      return counters.measure("profiles.page", itemsOf, async () => {
        const page = profilePage(resolved, window, profileColumns, fleet.key);
        const { sql, parameters } = beside("f.profile_revision AS feed", "r.*", page, fleet.key);
        const found = await database.all(sql, ...parameters);
        const rows = found.filter((row) => row[1] !== null).map((row) => table.row(row.slice(1)));
        const items = listing(rows, ({ id }) => id, window, issuer(fleet.cursors, resolved.use));
        return { ...items, feed: feed.cursor(Number(found[0]?.[0])) };
      });
    },

    async put(rows: readonly ProfileInput[], options?: CallOptions): Promise<readonly ProfilePutResult[]> {
      fleet.gate.enter(options);
      return counters.measure("profiles.put", lengthOf, () =>
        inSlices(rows, (slice) => database.write(table.put, slice)),
      );
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval> {
      fleet.gate.enter(options);
      const wanted = [...new Set(ids.filter(isStorable))];
      return counters.measure(
        "profiles.remove",
        ({ removed }) => removed,
        async () => {
          const results = await database.write(table.remove, wanted);
          return {
            removed: results.reduce((sum, { removed }) => sum + removed, 0),
            inUse: wanted.filter((_, i) => results[i]?.inUse),
          };
        },
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      return counters.measure("profiles.changes", changesOf, () =>
        feed.read(after, options, (from, most) => table.stretch(from, most)),
      );
    },

    async overridesSince(
      parents: readonly string[],
      after: Cursor,
      options?: ChangesOptions,
    ): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      return counters.measure("profiles.overridesSince", changesOf, () =>
        feed.read(after, options, (from, most) => table.stretch(from, most, parents)),
      );
    },

    async items(
      ids: readonly string[],
      kind: ProfileItemKind,
      options?: CallOptions,
    ): Promise<ReadonlyMap<string, readonly ProfileItem[]>> {
      fleet.gate.enter(options);
      if (!isItemKind(kind)) throw invalidOption("kind must be header, query, form or check");
      return counters.measure("profiles.items", sizeOf, () => gather(ids, (slice) => table.items(slice, kind)));
    },

    async resolveMany(
      subjects: readonly ProfileSubject[],
      options?: ResolveOptions,
    ): Promise<ReadonlyMap<string, Profile>> {
      fleet.gate.enter(options);
      const at = resolveRevision(options);
      return counters.measure("profiles.resolveMany", sizeOf, () =>
        gather(subjects, async (slice) => [...(await resolveProfiles(fleet, slice, at))]),
      );
    },

    async metrics(options?: CallOptions): Promise<ProfileMetrics> {
      fleet.gate.enter(options);
      return counters.measure(
        "profiles.metrics",
        () => 1,
        async () => {
          const [row = []] = await database.all(metricsStatement, fleet.key);
          const [profiles = 0, ofFleet = 0, group = 0, device = 0, items = 0, revision = 0] = row as readonly number[];
          return { profiles, overrides: { fleet: ofFleet, group, device }, items, revision };
        },
      );
    },
  });
}
