import type { Change } from "../../core/page.ts";
import type { ProfileItem, ProfileItemKind, ProfileRow, ProfileScope } from "../../core/profile-registry.ts";
import { failed } from "../../store/failure.ts";
import type { Connection, Parameter, Row } from "../../store/sqlite/index.ts";
import { type ChangeName, changeNames, type Stretch } from "../feed.ts";
import { readItems } from "../item-list.ts";
import { KnownProfiles } from "../known-profiles.ts";
import type { ProfileFields } from "../profile-input.ts";
import { scopeRank } from "../profile-input.ts";
import { ownerOf, profileColumns, readPlace, readProfileRow, scopes, writeContent } from "../profile-row.ts";
import type { PlacedProfile } from "../put-profile.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { list } from "./page.ts";

const profileStatements = {
  many: "SELECT p.revision FROM json_each(?) j CROSS JOIN profile p ON p.id = j.value",
  versions: `SELECT ${profileColumns} FROM json_each(?) j CROSS JOIN profile_version p ON p.revision = j.value`,
  items: "SELECT p.id, p.items FROM json_each(?) j CROSS JOIN profile p ON p.id = j.value",
  isBase: "SELECT 1 FROM profile WHERE id = ? AND parent IS NULL",
  inUse: "SELECT j.value FROM json_each(?) j WHERE EXISTS (SELECT 1 FROM device d WHERE d.profile = j.value)",
  find: `SELECT parent, scope, owner, root, depth, revision, json_array_length(items), created_at
    FROM profile WHERE id = ?`,
  put: `INSERT INTO profile (id, parent, root, depth, scope, owner, name, description, delivery, requests, items, options,
      created_at, updated_at, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
      delivery = excluded.delivery, requests = excluded.requests, items = excluded.items, options = excluded.options,
      updated_at = excluded.updated_at, revision = excluded.revision`,
  note: `INSERT INTO profile_version (revision, id, change, parent, root, scope, owner, name, description, delivery,
      requests, items, options, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  // Leaves first.
  tree: `WITH RECURSIVE tree (id, depth, scope, items) AS (
      SELECT id, depth, scope, json_array_length(items) FROM profile WHERE id = ?
      UNION ALL SELECT p.id, p.depth, p.scope, json_array_length(p.items)
        FROM tree CROSS JOIN profile p ON p.parent = tree.id)
    SELECT id, depth, scope, items FROM tree ORDER BY depth DESC, id`,
  ofDevice: `SELECT id, depth, scope, json_array_length(items) FROM profile
    WHERE owner = ? AND owner <> '' AND scope = 2 ORDER BY depth DESC, id`,
  noteRemoved: `INSERT INTO profile_version (revision, id, change, parent, root, scope, owner)
    SELECT ?1 + j.key, p.id, 2, p.parent, p.root, p.scope, p.owner
    FROM json_each(?2) j CROSS JOIN profile p ON p.id = j.value`,
  remove: "DELETE FROM profile WHERE id IN (SELECT value FROM json_each(?))",
  feed: `SELECT v.revision, v.id, v.change FROM profile_version v WHERE v.revision > ?1
    ORDER BY v.revision LIMIT ?2 + 0`,
  overrides: `SELECT v.revision, v.id, v.change FROM json_each(?3) j CROSS JOIN profile_version v ON v.parent = j.value
    WHERE v.revision > ?1 ORDER BY v.revision LIMIT ?2 + 0`,
} as const;

/** Where a profile stands, and what a put keeps of it. */
export interface FoundProfile extends PlacedProfile {
  readonly items: number;
  readonly createdAt: number;
}

type FindColumns = readonly [
  parent: string | null,
  scope: 0 | 1 | 2,
  owner: string,
  root: string,
  depth: number,
  revision: number,
  items: number,
  createdAt: number,
];

type RemovedColumns = readonly [id: string, depth: number, scope: 0 | 1 | 2, items: number];

type NotedColumns = readonly [revision: number, id: string, kind: 0 | 1 | 2];

/** The profiles of one fleet, and every version they ever had. Its writes belong into a transaction. */
export class ProfileTable {
  readonly #fleet: Fleet;
  readonly #known = new KnownProfiles();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  isBase(on: Connection, id: string): boolean {
    return on.get(profileStatements.isBase, id) !== undefined;
  }

  many(on: Connection, ids: readonly string[]): ProfileRow[] {
    return this.rows(on, on.all(profileStatements.many, list(ids)));
  }

  /** Rows by what begins with their revision, in its order: one statement reads all that are not remembered. */
  rows(on: Connection, revised: readonly Row[]): ProfileRow[] {
    const revisions = revised.map(([revision]) => revision as number);
    const rows = revisions.map((revision) => this.#known.get(revision));
    const missing = revisions.filter((_, i) => rows[i] === undefined);
    if (missing.length > 0) {
      const read = this.#read(on, missing).values();
      for (const [i, row] of rows.entries()) if (row === undefined) rows[i] = read.next().value as ProfileRow;
    }
    return rows as ProfileRow[];
  }

  find(on: Connection, id: string): FoundProfile | undefined {
    const row = on.get(profileStatements.find, id) as FindColumns | undefined;
    if (row === undefined) return undefined;
    const [parent, scope, owner, root, depth, revision, items, createdAt] = row;
    const place = { ...(parent === null ? {} : { parent }), ...readPlace(scope, owner) };
    return { ...place, root, depth, revision, items, createdAt };
  }

  put(
    on: Connection,
    fields: ProfileFields,
    parent: FoundProfile | undefined,
    before: FoundProfile | undefined,
  ): { readonly result: "created" | "updated"; readonly revision: number } {
    const { id, name, description = null, delivery = null } = fields;
    const result = before === undefined ? "created" : "updated";
    const place = [fields.parent ?? null, parent?.root ?? id, scopeRank(fields.scope), ownerOf(fields)] as const;
    const [above, root, scope, owner] = place;
    const depth = parent === undefined ? 0 : parent.depth + 1;
    const now = this.#fleet.clock.wall();
    const content = [name, description, delivery, ...writeContent(fields), before?.createdAt ?? now, now];
    const revision = this.#note(on, id, result, place, content);
    on.run(profileStatements.put, id, above, root, depth, scope, owner, ...content, revision);
    if (before !== undefined) this.#count(above, before.scope, -1, before.items);
    this.#count(above, fields.scope, 1, fields.items.length);
    return { result, revision };
  }

  /** Removes a row and all below it, leaves first. Returns how many. */
  remove(on: Connection, id: string): number {
    return this.#removeAll(on, on.all(profileStatements.tree, id));
  }

  /** Removes the overrides made for one device. */
  removeDevice(on: Connection, device: string): void {
    if (this.#fleet.counts.now.overrides.device > 0) this.#removeAll(on, on.all(profileStatements.ofDevice, device));
  }

  /** Those of these ids that devices name. */
  inUse(on: Connection, ids: readonly string[]): string[] {
    return on.all(profileStatements.inUse, list([...new Set(ids)])).map(([id]) => id as string);
  }

  /** Changes after a revision, in order, with the rows as they were: all, or of these parents' overrides. */
  stretch(on: Connection, after: number, most: number, parents?: readonly string[]): Stretch<ProfileRow> {
    const { revision: end } = readCounts(on);
    const found =
      parents === undefined
        ? on.all(profileStatements.feed, after, most)
        : on.all(profileStatements.overrides, after, most, list(parents));
    const noted = found as unknown as readonly NotedColumns[];
    const kept = noted.filter(([, , kind]) => changeNames[kind] !== "deleted");
    const rows = this.rows(on, kept).values();
    const changes = noted.map(([revision, id, kind]): Change<ProfileRow> => {
      const change = changeNames[kind];
      if (change === "deleted") return { change, id, revision };
      return { change, id, revision, row: rows.next().value as ProfileRow };
    });
    return { changes, end, forgotten: 0 };
  }

  /** The rows' own items of one kind. */
  items(on: Connection, ids: readonly string[], kind: ProfileItemKind): (readonly [string, readonly ProfileItem[]])[] {
    const rows = on.all(profileStatements.items, list(ids)) as unknown as readonly (readonly [string, string])[];
    return rows.map(([id, items]) => [id, Object.freeze(readItems(items).filter((item) => item.kind === kind))]);
  }

  /** In the order of their revisions, since the statement goes through them in that of the list. */
  #read(on: Connection, revisions: readonly number[]): ProfileRow[] {
    const versions = on.all(profileStatements.versions, list(revisions));
    if (versions.length !== revisions.length) {
      const { place } = this.#fleet.database;
      throw failed("the database misses a version of a profile; restore it from a backup", { place });
    }
    return versions.map((columns) => {
      const row = readProfileRow(columns);
      this.#known.add(row, columns);
      return row;
    });
  }

  /** Any number of rows in two statements: within a savepoint each that deletes costs the more the more went before it. */
  #removeAll(on: Connection, found: readonly Row[]): number {
    if (found.length === 0) return 0;
    const rows = found as unknown as readonly RemovedColumns[];
    const ids = list(rows.map(([id]) => id));
    const { counts } = this.#fleet;
    const { revision, profiles, overrides, items } = counts.now;
    on.run(profileStatements.noteRemoved, revision + 1, ids);
    on.run(profileStatements.remove, ids);
    const left = { profiles, overrides: { ...overrides }, items };
    for (const [, depth, scope, own] of rows) {
      left.items -= own;
      if (depth === 0) left.profiles -= 1;
      else left.overrides[scopes[scope]] -= 1;
    }
    const last = revision + rows.length;
    counts.change({ ...left, revision: last, profileRevision: last });
    return rows.length;
  }

  #note(
    on: Connection,
    id: string,
    change: ChangeName,
    place: readonly [parent: string | null, root: string, scope: number, owner: string],
    content: readonly Parameter[],
  ): number {
    const { counts } = this.#fleet;
    const revision = counts.nextRevision();
    counts.change({ profileRevision: revision });
    on.run(profileStatements.note, revision, id, changeNames.indexOf(change), ...place, ...content);
    return revision;
  }

  #count(parent: string | null, scope: ProfileScope, by: 1 | -1, items: number): void {
    const { counts } = this.#fleet;
    const { profiles, overrides, items: all } = counts.now;
    counts.change({
      items: all + by * items,
      ...(parent === null
        ? { profiles: profiles + by }
        : { overrides: { ...overrides, [scope]: overrides[scope] + by } }),
    });
  }
}
