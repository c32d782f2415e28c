import type { DeviceInput, DevicePutResult, DeviceRegistry } from "../../core/device-registry.ts";
import type { Connection } from "../../store/sqlite/index.ts";
import type { ResolvedDeviceFilter } from "../device-filter.ts";
import { deviceColumns } from "../device-row.ts";
import type { Feed } from "../feed.ts";
import { keepDevices } from "../kept-devices.ts";
import type { PageWindow } from "../page-options.ts";
import { type DeviceRows, putDevice } from "../put-device.ts";
import type { DeviceTable } from "./device-table.ts";
import { Drivers } from "./drivers.ts";
import { type Fleet, readCounts } from "./fleet.ts";
import { type Driver, devicePage, lastSkipped } from "./match-device.ts";
import type { ProfileTable } from "./profile-table.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, profiles: ProfileTable, feed: Feed): DeviceRegistry {
  const { database } = fleet;
  const drivers = new Drivers();
  return keepDevices(
    fleet,
    {
      many: (ids) => database.read((on) => table.many(on, ids)),
      page: (filter, window) =>
        database.read((on) => {
          const { revision: end } = readCounts(on);
          const driver = drivers.find(on, filter, end);
          const from = placed(on, filter, window, driver);
          if (from === undefined) return { rows: [], end };
          const { sql, parameters } = devicePage(filter, from, deviceColumns, driver);
          return { rows: table.rows(on, on.all(sql, ...parameters)), end };
        }),
      put: (inputs) => database.write((on) => putAll(on, table, profiles, inputs)),
      observe: (seen) => database.write((on) => seen.map((one) => table.observe(on, one))),
      remove: (ids) => database.write((on) => ids.filter((id) => removeDevice(on, table, profiles, id)).length),
      stretch: (after, most) => database.read((on) => table.stretch(on, after, most)),
    },
    feed,
  );
}

/** The window with the key after which it begins in place of how many it skips; nothing where there are not as many. */
function placed(
  on: Connection,
  filter: ResolvedDeviceFilter,
  window: PageWindow,
  driver: Driver | undefined,
): Pick<PageWindow, "after" | "limit"> | undefined {
  if (window.offset === 0) return window;
  const { sql, parameters } = lastSkipped(filter, window.offset, driver);
  const last = on.get(sql, ...parameters);
  return last && { after: last[0] as string, limit: window.limit };
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
