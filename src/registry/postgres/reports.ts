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
import type { Fleet } from "./fleet.ts";
import { appendReports, readReports, removeReports } from "./report-table.ts";

/** Rows removed in one statement: others have their turn between two. */
const removedAtOnce = 500;

export function createReports(fleet: Fleet): ReportStore {
  const { database, counters } = fleet;
  const append = (rows: readonly ReportInput[]) => appendReports(fleet, rows);
  return Object.freeze({
    async append(rows: readonly ReportInput[], options?: CallOptions): Promise<readonly ReportResult[]> {
      fleet.gate.enter(options);
      return counters.measure("reports.append", lengthOf, () =>
        inSlices(rows, (slice) => database.write(append, slice)),
      );
    },

    async page(filter: ReportFilter = {}, options?: ReportPageOptions): Promise<Listing<Report>> {
      fleet.gate.enter(options);
      const resolved = resolveReportFilter(filter);
      const window = resolveReportPage(fleet.cursors, resolved, options);
      return counters.measure("reports.page", itemsOf, async () => {
        const found = await readReports(fleet, resolved, window);
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
      const removeSome = async () => [await removeReports(fleet, resolved, removedAtOnce)];
      return counters.measure(
        "reports.removeBefore",
        (removed) => removed,
        async () => {
          for (let removed = 0; ; ) {
            const [some = 0] = await database.write(removeSome, [0]);
            removed += some;
            if (some < removedAtOnce) return removed;
            fleet.gate.enter(options);
          }
        },
      );
    },
  });
}
