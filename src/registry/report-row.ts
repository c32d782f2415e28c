import type { DeviceStatus } from "../core/device.ts";
import type { Report, ReportBody, ReportKind } from "../core/report-store.ts";
import { readJson } from "./json.ts";
import type { ReportPlace } from "./report-filter.ts";

export interface KeptReport extends ReportPlace {
  readonly report: Report;
}

/** The columns that `readReportRow` reads, in its order. */
export const reportColumns = "key, device, id, kind, at, received_at, status, firmware, body";

type Columns = readonly [
  key: number,
  device: string,
  id: string,
  kind: ReportKind,
  at: number,
  receivedAt: number,
  status: DeviceStatus | null,
  firmware: string | null,
  body: string | null,
];

export function readReportRow(row: readonly unknown[]): KeptReport {
  const [key, device, id, kind, at, receivedAt, status, firmware, body] = row as unknown as Columns;
  const report: Report = Object.freeze({
    id,
    device,
    kind,
    at,
    receivedAt,
    ...(status === null ? {} : { status }),
    ...(firmware === null ? {} : { firmware }),
    ...(body === null ? {} : { body: readJson<ReportBody>(body, () => true) }),
  });
  return { key, receivedAt, report };
}
