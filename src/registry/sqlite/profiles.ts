import type { ProfileMetrics, ProfileRegistry, ProfileRemoval } from "../../core/profile-registry.ts";
import type { Connection } from "../../store/sqlite/index.ts";
import type { Feed } from "../feed.ts";
import { keepProfiles } from "../kept-profiles.ts";
import { type ProfileRows, putProfile } from "../put-profile.ts";
import type { DeviceTable } from "./device-table.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { profilePage } from "./match-profile.ts";
import type { FoundProfile, ProfileTable } from "./profile-table.ts";
import { Resolver } from "./resolver.ts";

export function createProfiles(fleet: Fleet, table: ProfileTable, devices: DeviceTable, feed: Feed): ProfileRegistry {
  const { database } = fleet;
  const resolver = new Resolver(fleet.profiles);
  return keepProfiles(
    fleet,
    {
      many: (ids) => database.read((on) => table.many(on, ids)),
      page(filter, window) {
        const { sql, parameters } = profilePage(filter, window);
        return database.read((on) => ({
          rows: table.rows(on, on.all(sql, ...parameters)),
          end: readCounts(on).revision,
        }));
      },
      put: (inputs) =>
        database.write((on) => {
          const places = profileRows(on, table, devices);
          return inputs.map((input) => putProfile(places, input));
        }),
      remove: (ids) => database.write((on) => removeAll(on, table, ids)),
      stretch: (after, most, parents) => database.read((on) => table.stretch(on, after, most, parents)),
      items: (ids, kind) => database.read((on) => table.items(on, ids, kind)),
      resolve: (subjects, at) => database.read((on) => resolver.resolve(on, subjects, at)),
      metrics: () => database.read((on) => readMetrics(on)),
    },
    feed,
  );
}

function removeAll(on: Connection, table: ProfileTable, ids: readonly string[]): ProfileRemoval {
  const inUse = table.inUse(on, ids);
  const free = ids.filter((id) => typeof id === "string" && id.isWellFormed() && !inUse.includes(id));
  return { removed: free.reduce((removed, id) => removed + table.remove(on, id), 0), inUse };
}

function readMetrics(on: Connection): ProfileMetrics {
  const { profiles, overrides, items, profileRevision } = readCounts(on);
  return { profiles, overrides, items, revision: profileRevision };
}

function profileRows(on: Connection, table: ProfileTable, devices: DeviceTable): ProfileRows<FoundProfile> {
  return {
    find: (id) => table.find(on, id),
    isDevice: (id) => devices.has(on, id),
    put: (fields, parent, before) => table.put(on, fields, parent, before),
  };
}
