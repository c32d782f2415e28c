import type { ProfileRegistry } from "../../core/profile-registry.ts";
import type { Feed } from "../feed.ts";
import { keepProfiles } from "../kept-profiles.ts";
import type { Fleet } from "./fleet.ts";
import { profilePage } from "./match-profile.ts";
import { beside, isStorable } from "./page.ts";
import type { ProfileTable } from "./profile-table.ts";
import { resolveProfiles } from "./resolver.ts";

const metricsStatement = `SELECT profiles, fleet_overrides, group_overrides, device_overrides, items, profile_revision
  FROM flashwave.fleet WHERE key = $1`;

export function createProfiles(fleet: Fleet, table: ProfileTable, feed: Feed): ProfileRegistry {
  const { database } = fleet;
  return keepProfiles(
    fleet,
    {
      many: (ids) => table.many(ids),
      async page(filter, window) {
        const page = profilePage(filter, window, fleet.key);
        const { sql, parameters } = beside("f.profile_revision AS feed", "r.*", page, fleet.key);
        const found = await database.all(sql, ...parameters);
        const revisions = found.flatMap(([, revision]) => (revision === null ? [] : [revision as number]));
        return { rows: await table.rows(revisions), end: Number(found[0]?.[0]) };
      },
      put: (inputs) => database.write(table.put, inputs),
      async remove(ids) {
        const wanted = [...new Set(ids.filter(isStorable))];
        const results = await database.write(table.remove, wanted);
        return {
          removed: results.reduce((sum, { removed }) => sum + removed, 0),
          inUse: wanted.filter((_, i) => results[i]?.inUse),
        };
      },
      stretch: (after, most, parents) => table.stretch(after, most, parents),
      items: (ids, kind) => table.items(ids, kind),
      resolve: (subjects, at) => resolveProfiles(fleet, subjects, at),
      async metrics() {
        const [row = []] = await database.all(metricsStatement, fleet.key);
        const [profiles = 0, ofFleet = 0, group = 0, device = 0, items = 0, revision = 0] = row as readonly number[];
        return { profiles, overrides: { fleet: ofFleet, group, device }, items, revision };
      },
    },
    feed,
  );
}
