import type { CallOptions, Listing } from "../core/page.ts";
import type {
  Report,
  ReportFilter,
  ReportInput,
  ReportPageOptions,
  ReportResult,
  ReportStore,
} from "../core/report-store.ts";
import { inSlices, partlyDone } from "./batches.ts";
import { itemsOf, lengthOf } from "./counted.ts";
import { checkList } from "./filter.ts";
import type { Keeper } from "./keeper.ts";
import {
  type ReportWindow,
  type ResolvedReportFilter,
  reportPageOptions,
  resolveRemoval,
  resolveReportFilter,
  resolveReportPage,
} from "./report-filter.ts";
import type { KeptReport } from "./report-row.ts";

/** What a database does with reports. */
export interface KeptReports {
  append(inputs: readonly ReportInput[]): Promise<readonly ReportResult[]>;
  /** One page of what matches, and one row more. */
  page(filter: ResolvedReportFilter, window: ReportWindow): Promise<readonly KeptReport[]>;
  /** Removes some of what matches, the oldest first. @returns how many */
  removeSome(filter: ResolvedReportFilter, most: number): Promise<number>;
}

/** Rows removed in one commit: others have their turn between two. */
const removedAtOnce = 500;

/** The port before a database's reports: options are checked, batches cut into slices, calls counted. */
export function keepReports({ gate, counters, cursors }: Keeper, kept: KeptReports): ReportStore {
  return Object.freeze({
    async append(rows: readonly ReportInput[], options?: CallOptions): Promise<readonly ReportResult[]> {
      gate.enter(options);
      checkList(rows, "rows");
      return counters.measure("reports.append", lengthOf, () => inSlices(rows, kept.append));
    },

    async page(filter: ReportFilter = {}, options?: ReportPageOptions): Promise<Listing<Report>> {
      gate.enter(options, reportPageOptions);
      const resolved = resolveReportFilter(filter);
      const window = resolveReportPage(cursors, resolved, options);
      return counters.measure("reports.page", itemsOf, async () => {
        const found = await kept.page(resolved, window);
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
      gate.enter(options);
      const resolved = resolveRemoval(moment, filter);
      return counters.measure(
        "reports.removeBefore",
        (removed) => removed,
        async () => {
          let removed = 0;
          try {
            for (;;) {
              const some = await kept.removeSome(resolved, removedAtOnce);
              removed += some;
              if (some < removedAtOnce) return removed;
              gate.enter(options);
            }
          } catch (error) {
            throw partlyDone(error, removed, `${removed} reports were removed before`);
          }
        },
      );
    },
  });
}
