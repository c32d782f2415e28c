import type { ReportInput, ReportStore } from "../../core/report-store.ts";
import { keepReports } from "../kept-reports.ts";
import type { Fleet } from "./fleet.ts";
import { appendReports, readReports, removeReports } from "./report-table.ts";

export function createReports(fleet: Fleet): ReportStore {
  const { database } = fleet;
  // One function for all calls: those that are asked for together share a statement.
  const append = (inputs: readonly ReportInput[]) => appendReports(fleet, inputs);
  return keepReports(fleet, {
    append: (inputs) => database.write(append, inputs),
    page: (filter, window) => readReports(fleet, filter, window),
    async removeSome(filter, most) {
      const [removed = 0] = await database.write(async () => [await removeReports(fleet, filter, most)], [0]);
      return removed;
    },
  });
}
