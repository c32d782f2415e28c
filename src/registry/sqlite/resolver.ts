import type { Profile } from "../../core/profile.ts";
import type { ProfileRow, ProfileSubject } from "../../core/profile-registry.ts";
import type { Connection, Row } from "../../store/sqlite/index.ts";
import { readContent, scopes } from "../profile-row.ts";
import { resolveLayers, selectLayers } from "../resolve-profile.ts";
import type { Sharing } from "../sharing.ts";
import { readCounts } from "./fleet.ts";
import { list } from "./page.ts";

const resolverStatements = {
  now: `SELECT p.root, p.scope, p.owner, p.id, p.parent, p.revision, p.requests, p.items, p.options
    FROM json_each(?) j CROSS JOIN profile p
      ON p.root = j.value ->> 0 AND p.scope = j.value ->> 1 AND p.owner = j.value ->> 2`,
  // A base is found by its id, which is its root's, in one step however often it was edited. Of overrides: an id that was
  // removed and put again may stand somewhere else, so its last version anywhere decides.
  past: `SELECT v.root, v.scope, v.owner, v.id, v.parent, v.revision, v.requests, v.items, v.options
    FROM json_each(?1) j CROSS JOIN profile_version v
      ON v.revision = (SELECT max(l.revision) FROM profile_version l WHERE l.id = j.value ->> 0 AND l.revision <= ?2)
    WHERE j.value ->> 1 = 0 AND v.parent IS NULL AND v.change <> 2
    UNION ALL
    SELECT v.root, v.scope, v.owner, v.id, v.parent, v.revision, v.requests, v.items, v.options
    FROM json_each(?1) j CROSS JOIN profile_version v
      ON v.root = j.value ->> 0 AND v.scope = j.value ->> 1 AND v.owner = j.value ->> 2 AND v.revision <= ?2
    WHERE v.parent IS NOT NULL AND v.change <> 2
      AND NOT EXISTS (SELECT 1 FROM profile_version l WHERE l.id = v.id AND l.revision > v.revision AND l.revision <= ?2)`,
  changed: "SELECT root FROM profile_version WHERE revision > ?",
} as const;

/** A row of one place: whatever takes part in resolution. */
type Layer = Pick<ProfileRow, "id" | "scope" | "revision" | "requests" | "items" | "options"> & {
  readonly parent: string | null;
};

type Place = readonly [root: string, scope: 0 | 1 | 2, owner: string];

/** What is known of one base profile and its overrides, those for single devices apart: there may be a great many. */
interface Tree {
  /** By group; the base and what is for the fleet under the empty name. */
  readonly layers: Map<string, readonly Layer[]>;
  /** By group and by the revisions of a device's own layers. */
  readonly profiles: Map<string, Profile | undefined>;
}

/** Groups and profiles remembered of one base, and bases in all. */
const kept = 10_000;
/** Revisions after which it is cheaper to forget everything than to ask what changed. */
const many = 1_000;

/**
 * Resolves profiles as they are or were, one statement for all that is not remembered. What is remembered is held
 * against the feed at every call, so that no change of another process is missed either.
 */
export class Resolver {
  readonly #sharing: Sharing<Profile>;
  #revision = 0;
  readonly #now = new Map<string, Tree>();
  /** For one past revision: a rollout asks for the same one again and again. */
  #past = { at: -1, trees: new Map<string, Tree>() };

  constructor(sharing: Sharing<Profile>) {
    this.#sharing = sharing;
  }

  resolve(on: Connection, subjects: readonly ProfileSubject[], at: number | undefined): Map<string, Profile> {
    const { profileRevision, overrides } = readCounts(on);
    const past = at !== undefined && at < profileRevision ? at : undefined;
    const trees = past === undefined ? this.#current(on, profileRevision) : this.#pastTrees(past);
    const named = subjects.filter(({ profile, profileId }) => profile === undefined && profileId !== undefined);
    const own = this.#load(on, trees, named, past, past !== undefined || overrides.device > 0);
    const found = new Map<string, Profile>();
    for (const subject of subjects) {
      const { id, profileId } = subject;
      const tree = profileId === undefined ? undefined : trees.get(profileId);
      const profile = subject.profile ?? (tree && this.#lookUp(tree, subject, own.get(placeKey(profileId, id)) ?? []));
      if (profile !== undefined) found.set(id, profile);
    }
    return found;
  }

  #current(on: Connection, revision: number): Map<string, Tree> {
    if (revision === this.#revision) return this.#now;
    if (revision > this.#revision + many) this.#now.clear();
    if (this.#now.size > 0) {
      for (const [root] of on.all(resolverStatements.changed, this.#revision)) this.#now.delete(root as string);
    }
    this.#revision = revision;
    return this.#now;
  }

  #pastTrees(at: number): Map<string, Tree> {
    if (this.#past.at !== at) this.#past = { at, trees: new Map() };
    return this.#past.trees;
  }

  /** Reads all that is not remembered yet; returns the devices' own layers, which never are. */
  #load(
    on: Connection,
    trees: Map<string, Tree>,
    subjects: readonly ProfileSubject[],
    at: number | undefined,
    withDevices: boolean,
  ): ReadonlyMap<string, readonly Layer[]> {
    const places = missingPlaces(trees, subjects, withDevices);
    if (places.length === 0) return new Map();
    const own = new Map<string, Layer[]>();
    const read = new Map<string, Layer[]>();
    for (const [[root, scope, owner], layer] of readPlaces(on, trees, places, at)) {
      const [into, key] = scope === 2 ? [own, placeKey(root, owner)] : [read, placeKey(root, owner)];
      const there = into.get(key);
      if (there === undefined) into.set(key, [layer]);
      else there.push(layer);
    }
    for (const [root, scope, owner] of places) {
      if (scope !== 2) trees.get(root)?.layers.set(owner, read.get(placeKey(root, owner)) ?? []);
    }
    return own;
  }

  #lookUp(tree: Tree, { profileId, group = "" }: ProfileSubject, own: readonly Layer[]): Profile | undefined {
    const ofGroup = group === "" ? [] : (tree.layers.get(group) ?? []);
    const key = `${ofGroup.length === 0 ? "" : group}\0${own.map(({ revision }) => revision).join()}`;
    const known = tree.profiles.get(key);
    if (known !== undefined || tree.profiles.has(key)) return known;
    const layers = [...(tree.layers.get("") ?? []), ...ofGroup, ...own];
    const base = layers.find(({ id, parent }) => id === profileId && parent === null);
    const below = Map.groupBy(layers, ({ parent }) => parent);
    const profile = base && this.#sharing.share(resolveLayers(selectLayers(base, (id) => below.get(id) ?? [])));
    if (tree.profiles.size >= kept) tree.profiles.clear();
    tree.profiles.set(key, profile);
    return profile;
  }
}

/** What could not be read must not be taken for read, and empty, by the next call. */
function readPlaces(
  on: Connection,
  trees: Map<string, Tree>,
  places: readonly Place[],
  at: number | undefined,
): readonly (readonly [Place, Layer])[] {
  const { now, past } = resolverStatements;
  try {
    const rows = at === undefined ? on.all(now, list(places)) : on.all(past, list(places), at);
    return rows.map(readLayer);
  } catch (error) {
    trees.clear();
    throw error;
  }
}

function readLayer(row: Row): readonly [Place, Layer] {
  const [root, scope, owner, id, parent, revision, ...content] = row as unknown as LayerColumns;
  return [[root, scope, owner], { id, parent, scope: scopes[scope], revision, ...readContent(...content) }];
}

type LayerColumns = readonly [
  ...Place,
  id: string,
  parent: string | null,
  revision: number,
  requests: string,
  items: string,
  options: string,
];

// No printable id holds a NUL, so no two places share a key.
const placeKey = (root: string | undefined, owner: string): string => `${root}\0${owner}`;

/** Makes room for the trees of these subjects; says what of them must be read, each place once. */
function missingPlaces(trees: Map<string, Tree>, subjects: readonly ProfileSubject[], withDevices: boolean): Place[] {
  const places: Place[] = [];
  const unread = (tree: Tree, root: string, scope: 0 | 1, owner: string) => {
    if (tree.layers.has(owner)) return;
    tree.layers.set(owner, []); // asked for once, however many subjects need it
    places.push([root, scope, owner]);
  };
  if (trees.size + subjects.length > kept) trees.clear();
  for (const { id, group = "", profileId: root = "" } of subjects) {
    let tree = trees.get(root);
    if (tree === undefined || tree.layers.size >= kept) {
      tree = { layers: new Map(), profiles: new Map() };
      trees.set(root, tree);
    }
    unread(tree, root, 0, "");
    if (group !== "") unread(tree, root, 1, group);
    if (withDevices) places.push([root, 2, id]);
  }
  return places;
}
