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
import { resolvePage } from "../page-options.ts";
import { Refusal } from "../plain.ts";
import { matchesProfile, resolveProfileFilter } from "../profile-filter.ts";
import { checkBelow, checkSamePlace, type ProfileFields, type ProfileRefusal, readProfile } from "../profile-input.ts";
import { isItemKind } from "../profile-items.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { issuer, keysAfter, readListing } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";
import { Resolver } from "./resolver.ts";

export function createProfiles(fleet: Fleet, table: ProfileTable, devices: DeviceTable): ProfileRegistry {
  const resolver = new Resolver(table, fleet.profiles);
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>> {
      fleet.gate.enter(options);
      return select(table, ids, (row) => row);
    },

    async page(filter: ProfileFilter = {}, options?: PageOptions): Promise<Page<ProfileRow>> {
      fleet.gate.enter(options);
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
      return rows.map((input) => putProfile(table, devices, input));
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval> {
      fleet.gate.enter(options);
      const inUse = [...new Set(ids)].filter((id) => devices.isProfileInUse(id));
      const free = ids.filter((id) => !devices.isProfileInUse(id));
      return { removed: free.reduce((removed, id) => removed + table.remove(id), 0), inUse };
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      return table.feed.read(after, options, () => true);
    },

    async overridesSince(
      parents: readonly string[],
      after: Cursor,
      options?: ChangesOptions,
    ): Promise<Changes<ProfileRow>> {
      fleet.gate.enter(options);
      const wanted = new Set(parents);
      return table.feed.read(after, options, (change) => wanted.has(table.parentAt(change.id, change.revision) ?? ""));
    },

    async items(
      ids: readonly string[],
      kind: ProfileItemKind,
      options?: CallOptions,
    ): Promise<ReadonlyMap<string, readonly ProfileItem[]>> {
      fleet.gate.enter(options);
      if (!isItemKind(kind)) throw invalidOption("kind must be header, query, form or check");
      return select(table, ids, (row) => row.items.filter((item) => item.kind === kind));
    },

    async resolveMany(
      subjects: readonly ProfileSubject[],
      options?: ResolveOptions,
    ): Promise<ReadonlyMap<string, Profile>> {
      fleet.gate.enter(options);
      const at = options?.at;
      if (at !== undefined && (!Number.isSafeInteger(at) || at < 0)) throw invalidOption("at must be a revision");
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

function putProfile(table: ProfileTable, devices: DeviceTable, input: ProfileInput): ProfilePutResult {
  const fields = readProfile(input);
  if (fields instanceof Refusal) return { id: typeof input?.id === "string" ? input.id : "", ...fields };
  const { id, parent } = fields;
  const refusal = checkPlace(table, devices, fields);
  if (refusal !== undefined) return { id, ...refusal };
  const revision = table.entries.get(id)?.row.revision ?? 0;
  if (input.ifRevision !== undefined && input.ifRevision !== revision) return { id, result: "conflict", revision };
  return { id, ...table.put(fields, parent === undefined ? undefined : table.entries.get(parent)) };
}

function checkPlace(table: ProfileTable, devices: DeviceTable, fields: ProfileFields): ProfileRefusal | undefined {
  const existing = table.entries.get(fields.id)?.row;
  if (existing !== undefined) return checkSamePlace(fields, existing);
  if (fields.parent === undefined) return undefined;
  const parent = table.entries.get(fields.parent);
  if (parent === undefined) return new Refusal("invalid_parent", "parent must be the id of a profile of this registry");
  if (fields.device !== undefined && !devices.entries.has(fields.device)) {
    return new Refusal("invalid_device", "device must be the id of a device of this registry");
  }
  return checkBelow(fields, parent.row, parent.depth + 1);
}
