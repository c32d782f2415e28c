import type { ReportInput, ReportResult } from "../../core/report-store.ts";
import { Refusal } from "../plain.ts";
import { refused } from "../put-device.ts";
import type { ReportWindow, ResolvedReportFilter } from "../report-filter.ts";
import { observationOf, type ReportFields, readReport, unknownDevice } from "../report-input.ts";
import { type KeptReport, readReportRow, reportColumns } from "../report-row.ts";
import type { Fleet } from "./fleet.ts";
import { durably } from "./function-parts.ts";
import { type Condition, condition, cut, isStorable, json, lookedUp, nothing, numbered } from "./page.ts";

const appendStatement = "SELECT outcome FROM flashwave.append_reports($1, $2::json)";

/** A step: appends reports, any number in one statement. */
export async function appendReports(fleet: Fleet, inputs: readonly ReportInput[]): Promise<readonly ReportResult[]> {
  const { key, database, clock, versions } = fleet;
  const now = clock.wall();
  const read = inputs.map((input) => readReport(input, now));
  const rows = read.flatMap((report) => (report instanceof Refusal ? [] : [writeRow(report, versions.sortKey)]));
  const decided = rows.length === 0 ? [] : await database.attempt((on) => on.all(appendStatement, key, json(rows)));
  let next = 0;
  return read.map((report, i): ReportResult => {
    if (report instanceof Refusal) return refused(inputs[i], report);
    const outcome = decided[next]?.[0] as "appended" | "known" | "unknown_device";
    next += 1;
    return outcome === "unknown_device" ? unknownDevice(report.id) : { id: report.id, result: outcome };
  });
}

function writeRow(report: ReportFields, sortKey: (version: string) => string): object {
  const { device, id, kind, at, receivedAt, status, firmware, body } = report;
  const seen = observationOf(report);
  return {
    ...{ device, id, kind, at, received_at: receivedAt, status, firmware },
    body: body === undefined ? undefined : JSON.stringify(body),
    ...(seen && { seen: seen.seenAt, shown: seen.status, key: firmware === undefined ? undefined : sortKey(firmware) }),
  };
}

/** One page of what matches, and one row more. */
export async function readReports(
  { key, database }: Fleet,
  filter: ResolvedReportFilter,
  { after, newestFirst, ...window }: ReportWindow,
): Promise<KeptReport[]> {
  const [before, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"];
  const conditions = conditionsOf(key, filter);
  if (after !== undefined) {
    conditions.push(condition(`(received_at, key) ${before} (?::int8, ?::int8)`, after.receivedAt, after.key));
  }
  const page = cut(window);
  const read = (columns: string) =>
    condition(
      `SELECT ${columns} FROM flashwave.report WHERE ${conditions.map((one) => one.sql).join(" AND ")}
        ORDER BY received_at ${order}, key ${order} ${page.sql}`,
      ...conditions.flatMap((one) => one.parameters),
      ...page.parameters,
    );
  const row = condition(`SELECT ${reportColumns} FROM flashwave.report WHERE report.key = k.key`);
  const rows =
    window.offset === 0
      ? read(reportColumns)
      : lookedUp(read("received_at, key"), row, `k.received_at ${order}, k.key ${order}`);
  const { sql, parameters } = numbered(rows);
  return (await database.all(sql, ...parameters)).map(readReportRow);
}

/** A step: removes some of what matches. @returns how many */
export async function removeReports(fleet: Fleet, filter: ResolvedReportFilter, most: number): Promise<number> {
  const conditions = conditionsOf(fleet.key, filter);
  const { sql, parameters } = numbered(
    condition(
      `WITH gone AS (DELETE FROM flashwave.report WHERE key = ANY (ARRAY(
          SELECT key FROM flashwave.report WHERE ${conditions.map((one) => one.sql).join(" AND ")}
          ORDER BY received_at, key LIMIT ?)) RETURNING ${durably})
        SELECT count(*) FROM gone`,
      ...conditions.flatMap((one) => one.parameters),
      most,
    ),
  );
  const [row] = await fleet.database.attempt((on) => on.all(sql, ...parameters));
  return Number(row?.[0]);
}

function conditionsOf(fleet: number, { device, kind, since, until }: ResolvedReportFilter): Condition[] {
  return [
    condition("fleet = ?", fleet),
    ...(device === undefined ? [] : [isStorable(device) ? condition("device = ?", device) : nothing]),
    ...(kind === undefined ? [] : [condition("kind = ?", kind)]),
    ...(since === undefined ? [] : [condition("received_at >= ?", since)]),
    ...(until === undefined ? [] : [condition("received_at < ?", until)]),
  ];
}
