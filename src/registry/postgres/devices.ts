import type { DeviceRegistry } from "../../core/device-registry.ts";
import type { Feed } from "../feed.ts";
import { keepDevices } from "../kept-devices.ts";
import { columns, type DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { devicePage } from "./match-device.ts";
import { beside, isStorable } from "./page.ts";

export function createDevices(fleet: Fleet, table: DeviceTable, feed: Feed): DeviceRegistry {
  const { database } = fleet;
  return keepDevices(
    fleet,
    {
      many: (ids) => table.many(ids),
      async page(filter, window) {
        const page = devicePage(filter, window, columns, fleet.key);
        const { sql, parameters } = beside("f.revision AS feed", "r.*", page, fleet.key);
        const found = await database.all(sql, ...parameters);
        const rows = table.rows(found.filter((row) => row[1] !== null).map((row) => row.slice(1)));
        return { rows, end: Number(found[0]?.[0]) };
      },
      put: (inputs) => database.write(table.put, inputs),
      observe: (seen) => database.write(table.observe, seen),
      remove: async (ids) => (await database.write(table.remove, ids.filter(isStorable))).filter(Boolean).length,
      stretch: (after, most) => table.stretch(after, most),
    },
    feed,
  );
}
