import type { CallOptions, Listing } from "../../core/page.ts";
import type {
  Report,
  ReportFilter,
  ReportInput,
  ReportPageOptions,
  ReportResult,
  ReportStore,
} from "../../core/report-store.ts";
import { checkList } from "../filter.ts";
import {
  type ReportPlace,
  type ReportWindow,
  type ResolvedReportFilter,
  reportPageOptions,
  resolveRemoval,
  resolveReportFilter,
  resolveReportPage,
} from "../report-filter.ts";
import { appendReport, type ReportRows } from "../report-input.ts";
import type { DeviceTable } from "./device-table.ts";
import type { Fleet } from "./fleet.ts";

interface Entry extends ReportPlace {
  readonly report: Report;
}

export function createReports(fleet: Fleet, devices: DeviceTable): ReportStore {
  const known = new Set<string>();
  let entries: Entry[] = []; // by receipt
  let last = 0;
  const rows: ReportRows = {
    has: (device, id) => known.has(nameOf({ device, id })),
    append(report) {
      if (!devices.entries.has(report.device)) return false;
      known.add(nameOf(report));
      last += 1;
      const entry = { key: last, receivedAt: report.receivedAt, report };
      // At the end, unless the clock was set back meanwhile.
      entries.splice(entries.findLastIndex((other) => other.receivedAt <= entry.receivedAt) + 1, 0, entry);
      return true;
    },
    observe(seen) {
      const entry = devices.entries.get(seen.id);
      if (entry !== undefined) devices.observe(entry, seen);
    },
  };
  return Object.freeze({
    async append(inputs: readonly ReportInput[], options?: CallOptions): Promise<readonly ReportResult[]> {
      fleet.gate.enter(options);
      checkList(inputs, "rows");
      return inputs.map((input) => appendReport(rows, input, fleet.clock.wall()));
    },

    async page(filter: ReportFilter = {}, options?: ReportPageOptions): Promise<Listing<Report>> {
      fleet.gate.enter(options, reportPageOptions);
      const resolved = resolveReportFilter(filter);
      return readReports(entries, resolved, resolveReportPage(fleet.cursors, resolved, options));
    },

    async removeBefore(
      moment: number,
      filter: Pick<ReportFilter, "device" | "kind"> = {},
      options?: CallOptions,
    ): Promise<number> {
      fleet.gate.enter(options);
      const resolved = resolveRemoval(moment, filter);
      const before = entries.length;
      entries = entries.filter(({ report }) => {
        if (!matches(resolved, report)) return true;
        known.delete(nameOf(report));
        return false;
      });
      return before - entries.length;
    },
  });
}

const nameOf = ({ device, id }: Pick<Report, "device" | "id">): string => JSON.stringify([device, id]);

function matches({ device, kind, since, until }: ResolvedReportFilter, report: Report): boolean {
  if (device !== undefined && report.device !== device) return false;
  if (kind !== undefined && report.kind !== kind) return false;
  if (since !== undefined && report.receivedAt < since) return false;
  return until === undefined || report.receivedAt < until;
}

function readReports(all: readonly Entry[], filter: ResolvedReportFilter, window: ReportWindow): Listing<Report> {
  const { newestFirst, after, offset, limit } = window;
  const sign = newestFirst ? -1 : 1;
  const isLeft = (place: ReportPlace) =>
    after === undefined || sign * (place.receivedAt - after.receivedAt || place.key - after.key) > 0;
  const left = all.filter((entry) => isLeft(entry) && matches(filter, entry.report));
  if (newestFirst) left.reverse();
  const found = left.slice(offset, offset + limit);
  const items = found.map(({ report }) => report);
  const end = found.at(-1);
  return left.length > offset + limit && end !== undefined ? { items, next: window.issue(end) } : { items };
}
