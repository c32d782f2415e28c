import type { ProfileMetrics, ProfileRow, ProfileScope } from "../../core/profile-registry.ts";
import type { ProfileFields } from "../profile-input.ts";
import type { PlacedProfile } from "../put-profile.ts";
import { Feed } from "./feed.ts";
import type { Fleet } from "./fleet.ts";
import { OrderedKeys } from "./ordered-keys.ts";

/** A row as it is, with where it stands: its depth below its base profile. */
export interface ProfileEntry {
  readonly row: ProfileRow;
  readonly root: string;
  readonly depth: number;
}

/** What a row was from one revision on; without a row: that it was gone. */
interface Version {
  readonly revision: number;
  readonly row?: ProfileRow;
}

/** The profiles of one fleet, every version they ever had, and who stands below whom. */
export class ProfileTable {
  readonly entries: Map<string, ProfileEntry> = new Map();
  readonly keys: OrderedKeys = new OrderedKeys();
  readonly feed: Feed<ProfileRow>;
  /** The revision of the last change in each base profile's tree. */
  readonly changedAt: Map<string, number> = new Map();
  readonly #counts = { profiles: 0, overrides: { fleet: 0, group: 0, device: 0 }, items: 0, revision: 0 };
  readonly #fleet: Fleet;
  readonly #versions = new Map<string, Version[]>();
  /** Ids that ever stood below a parent in one scope: old versions need those that are gone. */
  readonly #below = new Map<string, Set<string>>();
  /** Groups and devices that ever had an override of their own. Most have none. */
  readonly #groups = new Set<string>();
  readonly #overridesOfDevice = new Map<string, Set<string>>();
  readonly #children = new Map<string, Set<string>>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.feed = new Feed(fleet.cursors, "profiles");
  }

  isBase(id: string): boolean {
    return this.entries.get(id)?.depth === 0;
  }

  hasOverridesForGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  hasOverridesForDevice(device: string): boolean {
    return this.#overridesOfDevice.has(device);
  }

  find(id: string): PlacedProfile | undefined {
    const entry = this.entries.get(id);
    return entry === undefined ? undefined : { ...entry.row, root: entry.root, depth: entry.depth };
  }

  put(fields: ProfileFields, parent: PlacedProfile | undefined): { result: "created" | "updated"; revision: number } {
    const before = this.entries.get(fields.id);
    const revision = this.#fleet.nextRevision();
    const updatedAt = this.#fleet.clock.wall();
    const row = Object.freeze({ ...fields, createdAt: before?.row.createdAt ?? updatedAt, updatedAt, revision });
    const entry = { row, root: parent?.root ?? row.id, depth: parent === undefined ? 0 : parent.depth + 1 };
    this.entries.set(row.id, entry);
    if (before === undefined) this.#place(row);
    else this.#count(before.row, -1);
    this.#count(row, 1);
    const result = before === undefined ? "created" : "updated";
    this.#record(entry, { revision, row });
    this.feed.append({ change: result, id: row.id, revision, row });
    return { result, revision };
  }

  /** Removes a row and all below it, leaves first. Returns how many. */
  remove(id: string): number {
    const entry = this.entries.get(id);
    if (entry === undefined) return 0;
    let removed = 1;
    for (const child of [...(this.#children.get(id) ?? [])]) removed += this.remove(child);
    const { row } = entry;
    this.#count(row, -1);
    this.entries.delete(id);
    this.keys.remove(id);
    this.#children.delete(id);
    if (row.parent !== undefined) this.#children.get(row.parent)?.delete(id);
    const revision = this.#fleet.nextRevision();
    this.#record(entry, { revision });
    this.feed.append({ change: "deleted", id, revision });
    return removed;
  }

  /** Removes the overrides made for one device. */
  removeDevice(device: string): void {
    for (const id of this.#overridesOfDevice.get(device) ?? []) {
      if (this.entries.get(id)?.row.device === device) this.remove(id);
    }
  }

  /** A row as it was once a revision had been given out. */
  at(id: string, revision: number): ProfileRow | undefined {
    return this.#versions.get(id)?.findLast((version) => version.revision <= revision)?.row;
  }

  /** The parent that a row had at a revision, or had last when it was gone by then. */
  parentAt(id: string, revision: number): string | undefined {
    const versions = this.#versions.get(id);
    return versions?.findLast((version) => version.revision <= revision && version.row !== undefined)?.row?.parent;
  }

  metrics(): ProfileMetrics {
    return { ...this.#counts, overrides: { ...this.#counts.overrides } };
  }

  /** Ids that ever stood below a parent in this scope; some are gone, or stand elsewhere now. */
  everBelow(parent: string, scope: ProfileScope, of: string): Iterable<string> {
    return this.#below.get(placeKey(parent, scope, of)) ?? [];
  }

  #count(row: ProfileRow, by: 1 | -1): void {
    if (row.parent === undefined) this.#counts.profiles += by;
    else this.#counts.overrides[row.scope] += by;
    this.#counts.items += by * row.items.length;
  }

  #place(row: ProfileRow): void {
    this.keys.add(row.id);
    if (row.parent === undefined) return;
    addTo(this.#children, row.parent, row.id);
    addTo(this.#below, placeKey(row.parent, row.scope, row.group ?? row.device ?? ""), row.id);
    if (row.group !== undefined) this.#groups.add(row.group);
    if (row.device !== undefined) addTo(this.#overridesOfDevice, row.device, row.id);
  }

  #record(entry: ProfileEntry, version: Version): void {
    const { id } = entry.row;
    const versions = this.#versions.get(id);
    if (versions === undefined) this.#versions.set(id, [version]);
    else versions.push(version);
    this.changedAt.set(entry.root, version.revision);
    this.#counts.revision = version.revision;
  }
}

// No printable id holds a NUL, so no two places share a key.
const placeKey = (parent: string, scope: ProfileScope, of: string): string => `${parent}\0${scope}\0${of}`;

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, new Set([id]));
  else ids.add(id);
}
