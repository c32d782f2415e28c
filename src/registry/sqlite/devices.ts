import type { DeviceInput, DevicePutResult, DeviceRegistry } from "../../core/device-registry.ts";
import type { Connection } from "../../store/sqlite/index.ts";
import type { ResolvedDeviceFilter } from "../device-filter.ts";
import { deviceColumns } from "../device-row.ts";
import type { Feed } from "../feed.ts";
import { keepDevices } from "../kept-devices.ts";
import { type DeviceRows, putDevice } from "../put-device.ts";
import type { DeviceTable } from "./device-table.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { type Driver, devicePage, driverCounts, fewDevices } from "./match-device.ts";
import type { ProfileTable } from "./profile-table.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, profiles: ProfileTable, feed: Feed): DeviceRegistry {
  const { database } = fleet;
  return keepDevices(
    fleet,
    {
      many: (ids) => database.read((on) => table.many(on, ids)),
      page: (filter, window) =>
        database.read((on) => {
          const { sql, parameters } = devicePage(filter, window, deviceColumns, findDriver(on, filter));
          return { rows: table.rows(on, on.all(sql, ...parameters)), end: readCounts(on).revision };
        }),
      put: (inputs) => database.write((on) => putAll(on, table, profiles, inputs)),
      observe: (seen) => database.write((on) => seen.map((one) => table.observe(on, one))),
      remove: (ids) => database.write((on) => ids.filter((id) => removeDevice(on, table, profiles, id)).length),
      stretch: (after, most) => database.read((on) => table.stretch(on, after, most)),
    },
    feed,
  );
}

/** The candidate that has the fewest devices, unless even that has many. */
function findDriver(on: Connection, filter: ResolvedDeviceFilter): Driver | undefined {
  let [found, least]: [Driver | undefined, number] = [undefined, fewDevices];
  for (const { driver, sql, parameters } of driverCounts(filter)) {
    const count = Number(on.get(sql, ...parameters)?.[0]);
    if (count < least) [found, least] = [driver, count];
  }
  return found;
}

function putAll(
  on: Connection,
  table: DeviceTable,
  profiles: ProfileTable,
  inputs: readonly DeviceInput[],
): DevicePutResult[] {
  const bases = new Map<string, boolean>();
  const rows: DeviceRows = {
    isBaseProfile(id) {
      const known = bases.get(id);
      if (known !== undefined) return known;
      const found = profiles.isBase(on, id);
      bases.set(id, found);
      return found;
    },
    revisionOf: (id) => table.revisionOf(on, id),
    put: (fields) => table.put(on, fields),
  };
  return inputs.map((input) => putDevice(rows, input));
}

function removeDevice(on: Connection, table: DeviceTable, profiles: ProfileTable, id: string): boolean {
  if (typeof id !== "string" || !id.isWellFormed() || !table.remove(on, id)) return false;
  profiles.removeDevice(on, id);
  return true;
}
