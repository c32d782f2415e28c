import type { Profile } from "../../core/profile.ts";
import type { ProfileRow, ProfileSubject } from "../../core/profile-registry.ts";
import type { Row } from "../../store/postgres/index.ts";
import { readContent, scopes } from "../profile-row.ts";
import { resolveLayers, selectLayers } from "../resolve-profile.ts";
import type { Fleet } from "./fleet.ts";
import { isStorable } from "./page.ts";

// Places are three lists of the same length. OFFSET 0 has PostgreSQL look each of them up: it would rather read all profiles
// of a small fleet once, also in a statement that was planned before the fleet had grown.
const asked = "unnest($2::text[], $3::int4[], $4::text[]) AS j (root, scope, owner)";

const resolverStatements = {
  now: `SELECT r.* FROM ${asked} CROSS JOIN LATERAL (
      SELECT p.root, p.scope, p.owner, p.id, p.parent, p.revision, p.requests, p.items, p.options FROM flashwave.profile p
      WHERE p.fleet = $1 AND p.root = j.root AND p.scope = j.scope AND p.owner = j.owner OFFSET 0) r`,
  // An id that was removed and put again may stand somewhere else: its last version anywhere decides.
  past: `SELECT r.* FROM ${asked} CROSS JOIN LATERAL (
      SELECT v.root, v.scope, v.owner, v.id, v.parent, v.revision, v.requests, v.items, v.options
      FROM flashwave.profile_version v
      WHERE v.fleet = $1 AND v.root = j.root AND v.scope = j.scope AND v.owner = j.owner AND v.revision <= $5
        AND v.change <> 2 AND NOT EXISTS (SELECT 1 FROM flashwave.profile_version l
          WHERE l.fleet = $1 AND l.id = v.id AND l.revision > v.revision AND l.revision <= $5 OFFSET 0) OFFSET 0) r`,
} as const;

/** A row of one place: whatever takes part in resolution. */
type Layer = Pick<ProfileRow, "id" | "scope" | "revision" | "requests" | "items" | "options"> & {
  readonly parent: string | null;
};

type Place = readonly [root: string, scope: 0 | 1 | 2, owner: string];

/**
 * Resolves profiles as they are or were, one statement for all. Nothing is remembered from call to call: to ask whether it
 * still holds would be a statement as well.
 */
export async function resolveProfiles(
  fleet: Fleet,
  subjects: readonly ProfileSubject[],
  at: number | undefined,
): Promise<Map<string, Profile>> {
  const named = subjects.filter(({ profile, profileId }) => profile === undefined && isStorable(profileId));
  const layers = await readLayers(fleet, placesOf(named), at);
  const found = new Map<string, Profile>();
  const resolved = new Map<string, Profile | undefined>();
  for (const subject of subjects) {
    const profile = subject.profile ?? lookUp(fleet, subject, layers, resolved);
    if (profile !== undefined) found.set(subject.id, profile);
  }
  return found;
}

type Layers = ReadonlyMap<string, readonly Layer[]>;

// No printable id holds a NUL, so no two places share a key.
const placeKey = (...[root, scope, owner]: Place): string => `${root}\0${scope}\0${owner}`;

/** What is to be read for these subjects, each place once. */
function placesOf(subjects: readonly ProfileSubject[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { id, group = "", profileId: root = "" } of subjects) {
    const all: readonly Place[] = [[root, 0, ""], ...(group === "" ? [] : [[root, 1, group] as const]), [root, 2, id]];
    for (const place of all) if (isStorable(place[2])) places.set(placeKey(...place), place);
  }
  return [...places.values()];
}

async function readLayers(fleet: Fleet, places: readonly Place[], at: number | undefined): Promise<Layers> {
  if (places.length === 0) return new Map();
  const lists = [
    places.map(([root]) => root),
    places.map(([, scope]) => scope),
    places.map(([, , owner]) => owner),
  ] as const;
  const { now, past } = resolverStatements;
  const rows = await (at === undefined
    ? fleet.database.all(now, fleet.key, ...lists)
    : fleet.database.all(past, fleet.key, ...lists, at));
  return Map.groupBy(rows.map(readLayer), ({ place }) => place);
}

type PlacedLayer = Layer & { readonly place: string };

function readLayer(row: Row): PlacedLayer {
  const [root, scope, owner, id, parent, revision, ...content] = row as unknown as LayerColumns;
  return {
    place: placeKey(root, scope, owner),
    id,
    parent,
    scope: scopes[scope],
    revision,
    ...readContent(...content),
  };
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

/** @param resolved what was resolved in this call, by the layers that it is made of */
function lookUp(
  fleet: Fleet,
  { id, group = "", profileId = "" }: ProfileSubject,
  layers: Layers,
  resolved: Map<string, Profile | undefined>,
): Profile | undefined {
  const at = (scope: 0 | 1 | 2, owner: string) => layers.get(placeKey(profileId, scope, owner)) ?? [];
  const all = [...at(0, ""), ...(group === "" ? [] : at(1, group)), ...at(2, id)];
  const key = `${profileId}\0${all.map(({ revision }) => revision).join()}`;
  if (resolved.has(key)) return resolved.get(key);
  const base = all.find((layer) => layer.id === profileId && layer.parent === null);
  const below = Map.groupBy(all, ({ parent }) => parent);
  const profile = base && fleet.profiles.share(resolveLayers(selectLayers(base, (parent) => below.get(parent) ?? [])));
  resolved.set(key, profile);
  return profile;
}
