import type { Profile } from "../../core/profile.ts";
import type { ProfileRow, ProfileScope, ProfileSubject } from "../../core/profile-registry.ts";
import { resolveLayers, selectLayers } from "../resolve-profile.ts";
import type { Sharing } from "../sharing.ts";
import type { ProfileTable } from "./profile-table.ts";

/** What one base profile resolved to: by group, and by device where a device has overrides of its own. */
interface Resolved {
  readonly byGroup: Map<string | undefined, Profile | undefined>;
  readonly byDevice: Map<string, { readonly group: string | undefined; readonly profile: Profile | undefined }>;
}

/** Resolves profiles as they are or were, and remembers what it found until the tree changes. */
export class Resolver {
  readonly #table: ProfileTable;
  readonly #profiles: Sharing<Profile>;
  readonly #now = new Map<string, Resolved & { readonly revision: number }>();
  /** For one past revision: a rollout asks for the same one again and again. */
  #past = { at: -1, found: new Map<string, Resolved>() };

  constructor(table: ProfileTable, profiles: Sharing<Profile>) {
    this.#table = table;
    this.#profiles = profiles;
  }

  resolve(subject: ProfileSubject, at: number | undefined): Profile | undefined {
    if (subject.profile !== undefined) return subject.profile;
    const base = subject.profileId;
    if (base === undefined) return undefined;
    const changed = this.#table.changedAt.get(base);
    if (changed === undefined) return undefined;
    if (at === undefined || at >= changed) return this.#lookUp(this.#current(base, changed), base, subject, undefined);
    return this.#lookUp(this.#pastOf(base, at), base, subject, at);
  }

  #current(base: string, revision: number): Resolved {
    const known = this.#now.get(base);
    if (known?.revision === revision) return known;
    const empty = { revision, byGroup: new Map(), byDevice: new Map() };
    this.#now.set(base, empty);
    return empty;
  }

  #pastOf(base: string, at: number): Resolved {
    if (this.#past.at !== at) this.#past = { at, found: new Map() };
    const known = this.#past.found.get(base);
    if (known !== undefined) return known;
    const empty = { byGroup: new Map(), byDevice: new Map() };
    this.#past.found.set(base, empty);
    return empty;
  }

  #lookUp(known: Resolved, base: string, subject: ProfileSubject, at: number | undefined): Profile | undefined {
    const table = this.#table;
    const group = subject.group !== undefined && table.hasOverridesForGroup(subject.group) ? subject.group : undefined;
    if (table.hasOverridesForDevice(subject.id)) {
      const found = known.byDevice.get(subject.id);
      if (found !== undefined && found.group === group) return found.profile;
      const profile = this.#build(base, subject, at);
      known.byDevice.set(subject.id, { group, profile });
      return profile;
    }
    const found = known.byGroup.get(group);
    if (found !== undefined || known.byGroup.has(group)) return found;
    const profile = this.#build(base, subject, at);
    known.byGroup.set(group, profile);
    return profile;
  }

  #build(base: string, subject: ProfileSubject, at: number | undefined): Profile | undefined {
    const read = (id: string): ProfileRow | undefined =>
      at === undefined ? this.#table.entries.get(id)?.row : this.#table.at(id, at);
    const root = read(base);
    if (root === undefined || root.parent !== undefined) return undefined;
    const places: readonly (readonly [ProfileScope, string | undefined])[] = [
      ["fleet", ""],
      ["group", subject.group],
      ["device", subject.id],
    ];
    const childrenOf = (parent: string): ProfileRow[] => {
      const rows: ProfileRow[] = [];
      for (const [scope, of] of places) {
        for (const id of of === undefined ? [] : this.#table.everBelow(parent, scope, of)) {
          const row = read(id);
          if (row !== undefined && row.parent === parent && isAt(row, scope, of)) rows.push(row);
        }
      }
      return rows;
    };
    return this.#profiles.share(resolveLayers(selectLayers(root, childrenOf)));
  }
}

/** An id that was removed and put again may stand somewhere else by now. */
const isAt = (row: ProfileRow, scope: ProfileScope, of: string | undefined): boolean =>
  row.scope === scope && (row.group ?? row.device ?? "") === of;
