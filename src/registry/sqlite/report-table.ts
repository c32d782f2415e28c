import type { Connection, Parameter } from "../../store/sqlite/index.ts";
import type { ReportWindow, ResolvedReportFilter } from "../report-filter.ts";
import type { ReportFields } from "../report-input.ts";
import { type KeptReport, readReportRow, reportColumns } from "../report-row.ts";
import type { Condition } from "./page.ts";

const reportStatements = {
  has: "SELECT 1 FROM report WHERE device = ? AND id = ?",
  append: `INSERT INTO report (device, id, kind, at, received_at, status, firmware, body)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM device WHERE id = ?1)`,
} as const;

export function hasReport(on: Connection, device: string, id: string): boolean {
  return on.get(reportStatements.has, device, id) !== undefined;
}

/** @returns whether its device is there */
export function addReport(on: Connection, report: ReportFields): boolean {
  const { device, id, kind, at, receivedAt, status = null, firmware = null, body } = report;
  const json = body === undefined ? null : JSON.stringify(body);
  return on.run(reportStatements.append, device, id, kind, at, receivedAt, status, firmware, json) === 1;
}

/** One page of what matches, and one row more. */
export function readReports(on: Connection, filter: ResolvedReportFilter, window: ReportWindow): KeptReport[] {
  const conditions = conditionsOf(filter);
  const { after, newestFirst } = window;
  const [before, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
  if (after !== undefined) {
    conditions.push({ sql: `(received_at, key) ${before} (?, ?)`, parameters: [after.receivedAt, after.key] });
  }
  const rows = on.all(
    `SELECT ${reportColumns} FROM report ${whereOf(conditions)}
      ORDER BY received_at ${order}, key ${order} LIMIT ? + 0 OFFSET ? + 0`,
    ...parametersOf(conditions),
    window.limit + 1,
    window.offset,
  );
  return rows.map(readReportRow);
}

/** Removes some of what matches. @returns how many */
export function removeReports(on: Connection, filter: ResolvedReportFilter, most: number): number {
  const conditions = conditionsOf(filter);
  return on.run(
    `DELETE FROM report WHERE key IN (SELECT key FROM report ${whereOf(conditions)} ORDER BY received_at LIMIT ? + 0)`,
    ...parametersOf(conditions),
    most,
  );
}

function conditionsOf({ device, kind, since, until }: ResolvedReportFilter): Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, value: Parameter | undefined) => {
    if (value !== undefined) conditions.push({ sql, parameters: [value] });
  };
  // Half of a surrogate pair, bound as text, would become U+FFFD, which a device's id may hold.
  if (device?.isWellFormed() === false) conditions.push({ sql: "0", parameters: [] });
  else add("device = ?", device);
  add("kind = ?", kind);
  add("received_at >= ?", since);
  add("received_at < ?", until);
  return conditions;
}

const whereOf = (conditions: readonly Condition[]): string =>
  conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;

const parametersOf = (conditions: readonly Condition[]): Parameter[] =>
  conditions.flatMap(({ parameters }) => parameters);
