import type { ReportStore } from "../../core/report-store.ts";
import { keepReports } from "../kept-reports.ts";
import { appendReport } from "../report-input.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { addReport, hasReport, readReports, removeReports } from "./report-table.ts";

export function createReports(fleet: Fleet, devices: DeviceTable): ReportStore {
  const { database, clock } = fleet;
  return keepReports(fleet, {
    append: (inputs) =>
      database.write((on) => {
        const table = {
          has: (device: string, id: string) => hasReport(on, device, id),
          append: (report: Parameters<typeof addReport>[1]) => addReport(on, report),
          observe: (seen: Parameters<DeviceTable["observe"]>[1]) => void devices.observe(on, seen),
        };
        return inputs.map((input) => appendReport(table, input, clock.wall()));
      }),
    page: (filter, window) => database.read((on) => readReports(on, filter, window)),
    removeSome: (filter, most) => database.write((on) => removeReports(on, filter, most)),
  });
}
