import type { Observation } from "../core/device-registry.ts";
import {
  type Report,
  type ReportBody,
  type ReportInput,
  type ReportKind,
  type ReportResult,
  reportKinds,
} from "../core/report-store.ts";
import { isMoment, isStatus } from "./observation.ts";
import { copyPlain, isPrintable, isRecord, namesOf, Refusal, strangeField } from "./plain.ts";

/** A report that was checked and copied, with the moments that it is kept under. */
export type ReportFields = ReportInput & { readonly at: number; readonly receivedAt: number };

type ReportRefusal = Refusal<Extract<ReportResult, { reason: string }>["result"]>;

export const isReportKind = (value: unknown): value is ReportKind =>
  (reportKinds as readonly unknown[]).includes(value);

export const bodyBounds = { depth: 8, size: 16_384 } as const;

/** What a row may have: `receivedAt` of a row that was read is left alone. */
const known = namesOf<Report>({
  id: true,
  device: true,
  kind: true,
  at: true,
  status: true,
  firmware: true,
  body: true,
  receivedAt: true,
});

/** What a report may look like: checked here, once, so that every driver refuses and keeps the same. */
export function readReport(row: ReportInput, receivedAt: number): ReportFields | ReportRefusal {
  if (!isRecord(row)) return refuse("a report must be an object");
  const strange = strangeField(row, known);
  if (strange !== undefined) return refuse(`a report ${strange}`);
  const { id, device, kind, status, firmware } = row;
  if (!isPrintable(id, 256)) return refuse("id must be 1 to 256 printable characters");
  if (!isPrintable(device, 256)) return refuse("device must be 1 to 256 printable characters");
  if (!isReportKind(kind)) return refuse(`kind must be one of ${reportKinds.join(", ")}`);
  const at = row.at ?? receivedAt;
  if (!isMoment(at)) return refuse("at must be epoch milliseconds");
  if (status !== undefined && !isStatus(status)) return refuse("status must be online, offline or unknown");
  if (firmware !== undefined && !isPrintable(firmware, 256)) {
    return refuse("firmware must be 1 to 256 printable characters");
  }
  const body = row.body === undefined ? undefined : copyPlain(row.body, bodyBounds);
  if (row.body !== undefined && body === undefined) {
    return refuse("body must be plain JSON, at most 16,384 characters and 8 deep");
  }
  return Object.freeze({
    id,
    device,
    kind,
    at,
    receivedAt,
    ...(status === undefined ? {} : { status }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(body === undefined ? {} : { body: body as ReportBody }),
  });
}

const refuse = (reason: string): ReportRefusal => new Refusal("invalid_report", reason);

/** What a report shows of its device. A clock that is ahead must not keep later observations out. */
export function observationOf(report: ReportFields): Observation | undefined {
  const { device: id, kind, at, receivedAt, status = "online", firmware } = report;
  if (kind === "delivery") return undefined;
  return { id, seenAt: Math.min(at, receivedAt), status, ...(firmware === undefined ? {} : { firmware }) };
}

/** What an append needs of the reports and devices that are there. */
export interface ReportRows {
  has(device: string, id: string): boolean;
  /** Whether it was appended: not without its device. */
  append(report: ReportFields): boolean;
  observe(seen: Observation): void;
}

/** Appends one report, after all checks, and observes its device. */
export function appendReport(rows: ReportRows, input: ReportInput, now: number): ReportResult {
  const report = readReport(input, now);
  if (report instanceof Refusal) return { id: typeof input?.id === "string" ? input.id : "", ...report };
  const { id, device } = report;
  if (rows.has(device, id)) return { id, result: "known" };
  if (!rows.append(report)) return unknownDevice(id);
  const seen = observationOf(report);
  if (seen !== undefined) rows.observe(seen);
  return { id, result: "appended" };
}

export const unknownDevice = (id: string): ReportResult => ({
  id,
  result: "unknown_device",
  reason: "device must be the id of a device",
});
