import type { Change } from "../../core/page.ts";
import type {
  ProfileInput,
  ProfileItem,
  ProfileItemKind,
  ProfilePutResult,
  ProfileRow,
} from "../../core/profile-registry.ts";
import { failed } from "../../store/failure.ts";
import type { Queries, Row } from "../../store/postgres/index.ts";
import { changeNames, type Stretch } from "../feed.ts";
import { readItems } from "../item-list.ts";
import { KnownProfiles } from "../known-profiles.ts";
import { type ProfileFields, scopeRank } from "../profile-input.ts";
import { ownerOf, profileColumns, readPlace, readProfileRow, revisionColumn, writeContent } from "../profile-row.ts";
import { type PlacedProfile, type ProfileRows, putProfile } from "../put-profile.ts";
import type { Fleet } from "./fleet.ts";
import { beside, type Condition, condition, json, keys } from "./page.ts";

const versionColumns = `v.id, v.parent, v.scope, v.owner, v.name, v.description, v.delivery, v.requests, v.items, v.options,
  v.created_at, v.updated_at, v.revision, v.change`;

const profileStatements = {
  many: "SELECT p.revision FROM flashwave.profile p WHERE p.fleet = $1 AND p.id = ANY ($2)",
  // OFFSET 0 has PostgreSQL look each of them up, see the resolver's.
  versions: `SELECT r.* FROM unnest($2::int8[]) AS j (revision) CROSS JOIN LATERAL (
      SELECT ${profileColumns} FROM flashwave.profile_version p WHERE p.fleet = $1 AND p.revision = j.revision OFFSET 0) r`,
  items: "SELECT p.id, p.items FROM flashwave.profile p WHERE p.fleet = $1 AND p.id = ANY ($2)",
  // Rows of devices have nothing but their id.
  before: `SELECT f.profile_revision, r.* FROM flashwave.fleet f LEFT JOIN LATERAL (
      SELECT p.id, p.parent, p.scope, p.owner, p.root, p.depth, p.revision FROM flashwave.profile p
        WHERE p.fleet = $1 AND p.id = ANY ($2)
      UNION ALL SELECT d.id, NULL, NULL, NULL, NULL, NULL, NULL FROM flashwave.device d
        WHERE d.fleet = $1 AND d.id = ANY ($3)) r ON true
    WHERE f.key = $1`,
  put: "SELECT number FROM flashwave.put_profiles($1, $2, $3::json, $4)",
  remove: "SELECT removed, in_use FROM flashwave.remove_profiles($1, $2)",
} as const;

function feedOf(fleet: number, after: number, most: number, parents: readonly string[] | undefined): Condition {
  const ofParents = parents === undefined ? [] : [condition("v.parent = ANY (?)", keys(parents))];
  const all = [condition("v.fleet = ?", fleet), condition("v.revision > ?", after), ...ofParents];
  const rows = condition(
    `SELECT ${versionColumns} FROM flashwave.profile_version v WHERE ${all.map(({ sql }) => sql).join(" AND ")}
      ORDER BY v.revision LIMIT ?`,
    ...all.flatMap(({ parameters }) => parameters),
    most,
  );
  return beside("f.profile_revision", "r.*", rows, fleet);
}

/** The profiles of one fleet, and every version they ever had. Its writes are steps: any number of rows at once. */
export class ProfileTable {
  readonly #fleet: Fleet;
  readonly #known = new KnownProfiles();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async many(ids: readonly string[]): Promise<ProfileRow[]> {
    const found = await this.#fleet.database.all(profileStatements.many, this.#fleet.key, keys(ids));
    return this.rows(found.map(([revision]) => revision as number));
  }

  /** Rows by their revisions, in their order: a second statement reads those that are not remembered. */
  async rows(revisions: readonly number[]): Promise<ProfileRow[]> {
    const known = revisions.map((revision) => this.#known.get(revision));
    const missing = revisions.filter((_, i) => known[i] === undefined);
    if (missing.length === 0) return known as ProfileRow[];
    const { database, key } = this.#fleet;
    const versions = await database.all(profileStatements.versions, key, missing);
    const read = new Map(versions.map((columns) => [columns[revisionColumn], this.#row(columns)]));
    return revisions.map((revision, i) => {
      const row = known[i] ?? read.get(revision);
      if (row !== undefined) return row;
      throw failed("the database misses a version of a profile; restore it from a backup", { place: database.place });
    });
  }

  /** @param columns `profileColumns` */
  #row(columns: Row): ProfileRow {
    const revision = columns[revisionColumn] as number;
    const known = this.#known.get(revision);
    if (known !== undefined) return known;
    const row = readProfileRow(columns);
    this.#known.add(row, columns);
    return row;
  }

  /**
   * Adds or replaces. What is there is read first and judged here; the one statement that writes fails where profiles were
   * changed in between, and all is done again.
   */
  readonly put = (inputs: readonly ProfileInput[]): Promise<readonly ProfilePutResult[]> =>
    this.#fleet.database.attempt(async (on) => {
      const judge = await Judge.read(on, this.#fleet.key, inputs);
      const results = inputs.map((input) => putProfile(judge, input));
      if (judge.puts.length === 0) return results;
      const { key, clock } = this.#fleet;
      const numbers = await on.all(profileStatements.put, key, judge.revision, json(judge.puts), clock.wall());
      return results.map((result) =>
        "revision" in result ? { ...result, revision: actual(result, numbers) } : result,
      );
    });

  /** Removes profiles and all below them. Of each: how many went, and whether devices still name it. */
  readonly remove = async (
    ids: readonly string[],
  ): Promise<readonly { readonly removed: number; readonly inUse: boolean }[]> => {
    const { key, database } = this.#fleet;
    const gone = await database.attempt((on) => on.all(profileStatements.remove, key, ids));
    return gone.map(([removed, inUse]) => ({ removed: Number(removed), inUse: inUse === true }));
  };

  /**
   * Changes after a revision, in order, with the rows as they were: all, or of these parents' overrides. One statement reads
   * their texts too: who follows the feed has seen none of them before.
   */
  async stretch(after: number, most: number, parents?: readonly string[]): Promise<Stretch<ProfileRow>> {
    const { sql, parameters } = feedOf(this.#fleet.key, after, most, parents);
    const found = await this.#fleet.database.all(sql, ...parameters);
    const told = found.filter((row) => row[1] !== null).map((row) => row.slice(1));
    const changes = told.map((version): Change<ProfileRow> => {
      const [id, revision, kind] = [version[0], version[revisionColumn], version[13]] as [string, number, 0 | 1 | 2];
      const change = changeNames[kind];
      return change === "deleted" ? { change, id, revision } : { change, id, revision, row: this.#row(version) };
    });
    return { changes, end: Number(found[0]?.[0]), forgotten: 0 };
  }

  /** The rows' own items of one kind. */
  async items(ids: readonly string[], kind: ProfileItemKind): Promise<(readonly [string, readonly ProfileItem[]])[]> {
    const rows = await this.#fleet.database.all(profileStatements.items, this.#fleet.key, keys(ids));
    return (rows as readonly (readonly [string, string])[]).map(([id, items]) => [
      id,
      Object.freeze(readItems(items).filter((item) => item.kind === kind)),
    ]);
  }
}

/** Revisions that are not given out yet count down from -1; the numbers that they become are in the same order. */
function actual({ revision }: { readonly revision: number }, numbers: readonly Row[]): number {
  return revision < 0 ? Number(numbers[-revision - 1]?.[0]) : revision;
}

/** What a put of profiles is judged by, and what is to be written after it. */
class Judge implements ProfileRows<PlacedProfile> {
  /** Of the last profile change when it was read. */
  readonly revision: number;
  readonly puts: object[] = [];
  readonly #profiles: Map<string, PlacedProfile>;
  readonly #devices: ReadonlySet<string>;

  private constructor(revision: number, profiles: Map<string, PlacedProfile>, devices: ReadonlySet<string>) {
    this.revision = revision;
    this.#profiles = profiles;
    this.#devices = devices;
  }

  static async read(on: Queries, fleet: number, inputs: readonly ProfileInput[]): Promise<Judge> {
    const named = keys(inputs.flatMap((input) => [input?.id, input?.parent]));
    const rows = await on.all(profileStatements.before, fleet, named, keys(inputs.map((input) => input?.device)));
    const profiles = new Map<string, PlacedProfile>();
    const devices = new Set<string>();
    for (const row of rows) {
      const [, id, parent, scope, owner, root, depth, revision] = row as unknown as BeforeColumns;
      if (id === null) continue;
      if (scope === null) devices.add(id);
      else
        profiles.set(id, { ...(parent === null ? {} : { parent }), ...readPlace(scope, owner), root, depth, revision });
    }
    return new Judge(Number(rows[0]?.[0]), profiles, devices);
  }

  find(id: string): PlacedProfile | undefined {
    return this.#profiles.get(id);
  }

  isDevice(id: string): boolean {
    return this.#devices.has(id);
  }

  put(
    fields: ProfileFields,
    parent: PlacedProfile | undefined,
    before: PlacedProfile | undefined,
  ): { readonly result: "created" | "updated"; readonly revision: number } {
    const { id, name, description, delivery, scope, group, device } = fields;
    const [requests, items, options] = writeContent(fields);
    const [root, depth] = [parent?.root ?? id, parent === undefined ? 0 : parent.depth + 1];
    this.puts.push({
      ...{ id, parent: fields.parent, root, depth, scope: scopeRank(scope), owner: ownerOf(fields) },
      ...{ name, description, delivery, requests, items, item_count: fields.items.length, options },
    });
    const revision = -this.puts.length;
    const above = fields.parent === undefined ? {} : { parent: fields.parent };
    const whose = { ...(group === undefined ? {} : { group }), ...(device === undefined ? {} : { device }) };
    this.#profiles.set(id, { ...above, scope, ...whose, root, depth, revision });
    return { result: before === undefined ? "created" : "updated", revision };
  }
}

type BeforeColumns = readonly [
  now: number,
  id: string | null,
  parent: string | null,
  scope: 0 | 1 | 2 | null,
  owner: string,
  root: string,
  depth: number,
  revision: number,
];
