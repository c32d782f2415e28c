import type { CallOptions, Listing } from "../../core/page.ts";
import type {
  Report,
  ReportFilter,
  ReportInput,
  ReportPageOptions,
  ReportResult,
  ReportStore,
} from "../../core/report-store.ts";
import { inSlices } from "../batches.ts";
import { itemsOf, lengthOf } from "../counted.ts";
import { resolveRemoval, resolveReportFilter, resolveReportPage } from "../report-filter.ts";
import { appendReport } from "../report-input.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";
import { addReport, hasReport, readReports, removeReports } from "./report-table.ts";

/** Rows removed in one transaction: others have their turn between two. */
const removedAtOnce = 500;

export function createReports(fleet: Fleet, devices: DeviceTable): ReportStore {
  const { database, counters, clock } = fleet;
  return Object.freeze({
    async append(rows: readonly ReportInput[], options?: CallOptions): Promise<readonly ReportResult[]> {
      fleet.gate.enter(options);
      return counters.measure("reports.append", lengthOf, () =>
        inSlices(rows, (slice) =>
          database.write((on) => {
            const table = {
              has: (device: string, id: string) => hasReport(on, device, id),
              append: (report: Parameters<typeof addReport>[1]) => addReport(on, report),
              observe: (seen: Parameters<DeviceTable["observe"]>[1]) => void devices.observe(on, seen),
            };
            return slice.map((row) => appendReport(table, row, clock.wall()));
          }),
        ),
      );
    },

    async page(filter: ReportFilter = {}, options?: ReportPageOptions): Promise<Listing<Report>> {
      fleet.gate.enter(options);
      const resolved = resolveReportFilter(filter);
      const window = resolveReportPage(fleet.cursors, resolved, options);
      return counters.measure("reports.page", itemsOf, async () => {
        const found = await database.read((on) => readReports(on, resolved, window));
        const items = found.slice(0, window.limit).map(({ report }) => report);
        const last = found[window.limit - 1];
        return found.length > window.limit && last !== undefined ? { items, next: window.issue(last) } : { items };
      });
    },

    async removeBefore(
      moment: number,
      filter: Pick<ReportFilter, "device" | "kind"> = {},
      options?: CallOptions,
    ): Promise<number> {
      fleet.gate.enter(options);
      const resolved = resolveRemoval(moment, filter);
      return counters.measure(
        "reports.removeBefore",
        (removed) => removed,
        async () => {
          for (let removed = 0; ; ) {
            const some = await database.write((on) => removeReports(on, resolved, removedAtOnce));
            removed += some;
            if (some < removedAtOnce) return removed;
            fleet.gate.enter(options);
          }
        },
      );
    },
  });
}
