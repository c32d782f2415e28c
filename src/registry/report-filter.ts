import type { ReportFilter, ReportPageOptions } from "../core/report-store.ts";
import { type ReportKind, reportKinds } from "../core/report-store.ts";
import type { Cursors } from "./cursor.ts";
import { invalidCursor, invalidOption } from "./failures.ts";
import { bindFilter, only, readText } from "./filter.ts";
import { pageOptions, resolvePage } from "./page-options.ts";
import { isReportKind } from "./report-input.ts";

/** A report filter, checked. */
export interface ResolvedReportFilter {
  readonly device: string | undefined;
  readonly kind: ReportKind | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** A place between two reports. */
export interface ReportPlace {
  readonly receivedAt: number;
  /** Of those received at one moment the number of the last one read. */
  readonly key: number;
}

export interface ReportWindow {
  readonly newestFirst: boolean;
  readonly after: ReportPlace | undefined;
  readonly offset: number;
  readonly limit: number;
  /** The cursor of the page after this place. */
  issue(place: ReportPlace): string;
}

/** @throws `invalid_option` for a condition it does not know: to ignore one would remove reports nobody meant */
export function resolveReportFilter(filter: ReportFilter): ResolvedReportFilter {
  only(filter, ["device", "kind", "since", "until"], "filter");
  const { kind } = filter;
  if (kind !== undefined && !isReportKind(kind)) {
    throw invalidOption(`filter.kind must be one of ${reportKinds.join(", ")}`);
  }
  return Object.freeze({
    device: readText(filter.device, "filter.device"),
    kind,
    since: readMoment(filter.since, "filter.since"),
    until: readMoment(filter.until, "filter.until"),
  });
}

/** What `removeBefore` removes. @throws `invalid_option` */
export function resolveRemoval(moment: number, filter: ReportFilter): ResolvedReportFilter {
  only(filter, ["device", "kind"], "filter");
  const until = readMoment(moment, "moment");
  if (until === undefined) throw invalidOption("moment must be epoch milliseconds");
  return resolveReportFilter({ ...filter, until });
}

export const reportPageOptions: readonly string[] = [...pageOptions, "order" satisfies keyof ReportPageOptions];

/** @throws `invalid_option`, `invalid_cursor` */
export function resolveReportPage(
  cursors: Cursors,
  filter: ResolvedReportFilter,
  options: ReportPageOptions | undefined,
): ReportWindow {
  const order = options?.order ?? "newest";
  if (order !== "newest" && order !== "oldest") throw invalidOption("order must be newest or oldest");
  const use = bindFilter("reports", [order, filter]);
  const { after, offset, limit } = resolvePage(cursors, use, options);
  return {
    newestFirst: order === "newest",
    after: after === undefined ? undefined : readPlace(after),
    offset,
    limit,
    issue: ({ receivedAt, key }) => cursors.issue(use, `${receivedAt} ${key}`),
  };
}

function readPlace(text: string): ReportPlace {
  const [receivedAt = Number.NaN, key = Number.NaN] = text.split(" ").map(Number);
  if (Number.isSafeInteger(receivedAt) && Number.isSafeInteger(key)) return { receivedAt, key };
  throw invalidCursor("the cursor names no place among reports; begin without one");
}

function readMoment(value: number | undefined, name: string): number | undefined {
  if (value !== undefined && !Number.isSafeInteger(value)) throw invalidOption(`${name} must be epoch milliseconds`);
  return value;
}
