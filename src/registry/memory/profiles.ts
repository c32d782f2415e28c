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
import { invalidOption } from "../failures.ts";
import { checkKeys, checkList } from "../filter.ts";
import { changesOptions, pageOptions, resolveOptions, resolvePage, resolveRevision } from "../page-options.ts";
import { checkSubjects, matchesProfile, resolveProfileFilter } from "../profile-filter.ts";
import { isItemKind } from "../profile-items.ts";
import { type PlacedProfile, type ProfileRows, putProfile } from "../put-profile.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { issuer, keysAfter, readListing } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";
import { Resolver } from "./resolver.ts";

export function createProfiles(fleet: Fleet, table: ProfileTable, devices: DeviceTable): ProfileRegistry {
  const resolver = new Resolver(table, fleet.profiles);
  const places: ProfileRows<PlacedProfile> = {
    find: (id) => table.find(id),
    isDevice: (id) => devices.entries.has(id),
    put: (fields, parent) => table.put(fields, parent),
  };
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>> {
      fleet.gate.enter(options);
      checkKeys(ids, "ids");
      return select(table, ids, (row) => row);
    },

    async page(filter: ProfileFilter = {}, options?: PageOptions): Promise<Page<ProfileRow>> {
      fleet.gate.enter(options, pageOptions);
      const resolved = resolveProfileFilter(filter);
      const window = resolvePage(fleet.cursors, resolved.use, options);
      const match = (id: string): ProfileRow | undefined => {
        const row = table.entries.get(id)?.row;
        return row !== undefined && matchesProfile(resolved, row) ? row : undefined;
      };
      const keys = keysAfter(table.keys, resolved.ids, window.after);
      return { ...readListing(keys, match, window, issuer(fleet.cursors, resolved.use)), feed: table.feed.end() };
    },

    async put(rows: readonly ProfileInput[], options?: CallOptions): Promise<readonly ProfilePutResult[]> {
      fleet.gate.enter(options);
      checkList(rows, "rows");
      return rows.map((input) => putProfile(places, input));
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval> {
      fleet.gate.enter(options);
      checkKeys(ids, "ids");
      const inUse = [...new Set(ids)].filter((id) => devices.isProfileInUse(id));
      const free = ids.filter((id) => !devices.isProfileInUse(id));
      return { removed: free.reduce((removed, id) => removed + table.remove(id), 0), inUse };
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options, changesOptions);
      return table.feed.read(after, options, () => true);
    },

    async overridesSince(
      parents: readonly string[],
      after: Cursor,
      options?: ChangesOptions,
    ): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options, changesOptions);
      checkKeys(parents, "parents");
      const wanted = new Set(parents);
      return table.feed.read(after, options, (change) => wanted.has(table.parentAt(change.id, change.revision) ?? ""));
    },

    async items(
      ids: readonly string[],
      kind: ProfileItemKind,
      options?: CallOptions,
    ): Promise<ReadonlyMap<string, readonly ProfileItem[]>> {
      fleet.gate.enter(options);
      checkKeys(ids, "ids");
      if (!isItemKind(kind)) throw invalidOption("kind must be header, query, form or check");
      return select(table, ids, (row) => row.items.filter((item) => item.kind === kind));
    },

    async resolveMany(
      subjects: readonly ProfileSubject[],
      options?: ResolveOptions,
    ): Promise<ReadonlyMap<string, Profile>> {
      fleet.gate.enter(options, resolveOptions);
      checkSubjects(subjects);
      const at = resolveRevision(options);
      const resolved = new Map<string, Profile>();
      for (const subject of subjects) {
        const profile = resolver.resolve(subject, at);
        if (profile !== undefined) resolved.set(subject.id, profile);
      }
      return resolved;
    },

    async metrics(options?: CallOptions): Promise<ProfileMetrics> {
      fleet.gate.enter(options);
      return table.metrics();
    },
  });
}

function select<T>(table: ProfileTable, ids: readonly string[], pick: (row: ProfileRow) => T): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const id of ids) {
    const entry = table.entries.get(id);
    if (entry !== undefined) found.set(id, pick(entry.row));
  }
  return found;
}
