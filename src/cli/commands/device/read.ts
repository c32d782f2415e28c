import type { RegisteredDevice, Report } from "../../../core/index.ts";
import { exitCodes } from "../../exit-codes.ts";
import type { Io } from "../../job.ts";
import { evidenceText } from "../../results.ts";
import { devicePages, type FilterFlags, filterOf } from "../../store/filter.ts";
import { idSlices } from "../../store/ids.ts";
import { formatOf, type TransferFlags } from "../../store/import.ts";
import { openStore, type StoreFlags } from "../../store/open.ts";
import { fieldLines, reportRows, write } from "../../store/output.ts";
import { reportLines } from "../../store/report-lines.ts";
import { dateOf, printable, printableJson } from "../../text.ts";
import { UsageError } from "../../usage-error.ts";
import { missing } from "./write.ts";

export type ListFlags = StoreFlags & FilterFlags & ShapeFlags & { readonly limit?: string };

/** How a device is printed: a line for people, or these. */
interface ShapeFlags {
  readonly json?: boolean;
  readonly ids?: boolean;
}

/** One line for each device, page by page: however large the fleet, a page of it is held. */
export async function listDevices(flags: ListFlags, io: Io): Promise<number> {
  const most = limitOf(flags.limit);
  const filter = filterOf(flags) ?? {};
  if (flags.ids === true && flags.json === true) throw new UsageError("--ids and --json exclude each other.");
  await using registry = await openStore(flags);
  let left = most;
  for await (const page of devicePages(registry.devices, filter, io.signal)) {
    const rows = page.slice(0, left);
    left -= rows.length;
    if (!(await write(io.stdout, `${linesOf(rows, flags).join("\n")}\n`)) || left === 0) break;
  }
  return exitCodes.ok;
}

function linesOf(rows: readonly RegisteredDevice[], { json, ids }: ShapeFlags): readonly string[] {
  if (json === true) return rows.map(printableJson);
  if (ids === true) return rows.map(({ id }) => printable(id));
  const width = Math.min(32, Math.max(...rows.map(({ id }) => id.length)));
  return rows.map((row) => deviceLine(row, width));
}

export function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError("--limit takes a whole number from 1.");
  return Number(text);
}

function deviceLine(row: RegisteredDevice, width: number): string {
  const { id, address, status, firmware, lastSeen, group, site } = row;
  const facts = [
    firmware === undefined ? "never read" : `runs ${firmware}`,
    lastSeen === undefined ? undefined : `${status}, seen ${dateOf(lastSeen)}`,
    group === undefined ? undefined : `group ${group}`,
    site === undefined ? undefined : `site ${site}`,
  ];
  return printable(`${id.padEnd(width)}  ${address}  ${facts.filter((fact) => fact !== undefined).join(", ")}`);
}

const latest = 5;

/** All that is known of devices, and the last that was reported of them. */
export async function showDevices(
  ids: readonly string[],
  flags: StoreFlags & { readonly json?: boolean },
  io: Io,
): Promise<number> {
  await using registry = await openStore(flags);
  let code: number = exitCodes.ok;
  for await (const slice of idSlices(ids, io.signal)) {
    const found = await registry.devices.getMany(slice, { signal: io.signal });
    for (const row of found.values()) {
      const { items } = await registry.reports.page({ device: row.id }, { limit: latest, signal: io.signal });
      const text = flags.json === true ? `${printableJson({ ...row, reports: items })}\n` : deviceText(row, items);
      await write(io.stdout, text);
    }
    code = Math.max(code, reportRows(missing(slice, found), flags.json, io));
  }
  return code;
}

function deviceText(row: RegisteredDevice, reports: readonly Report[]): string {
  const json = (value: unknown) => (value === undefined ? undefined : printableJson(value));
  const fields = fieldLines([
    ["id", row.id],
    ["name", row.name],
    ["address", row.address],
    ["via", row.delivery],
    ["probe", row.probe],
    ["profile", row.profileId],
    ["own profile", json(row.profile)],
    ["group", row.group],
    ["site", row.site],
    ["location", row.location],
    ["tags", row.tags?.join(", ")],
    ["pins", row.pins?.join(", ")],
    ["metadata", json(row.metadata)],
    ["login", json(row.credentials)],
    ["status", row.status],
    ["last seen", row.lastSeen === undefined ? "never" : dateOf(row.lastSeen)],
    ["firmware", row.firmware],
    ["proven", row.evidence && `${evidenceText(row.evidence)}, ${dateOf(row.evidence.lastSeenAt)}`],
    ["added", dateOf(row.createdAt)],
    ["changed", `${dateOf(row.updatedAt)}, revision ${row.revision}`],
  ]);
  const lines = reports.flatMap(reportLines).map((line) => `  ${line}\n`);
  return `${fields}${lines.length === 0 ? "" : "reports, the latest first:\n"}${lines.join("")}\n`;
}

export type ExportFlags = TransferFlags & FilterFlags;

/** What was registered of the fleet, or of a part of it, as import reads it. */
export async function exportDevices(flags: ExportFlags, io: Io): Promise<number> {
  const format = formatOf(flags, ".csv");
  const filter = filterOf(flags) ?? {};
  await using registry = await openStore(flags);
  const transfer = await import("../../../registry/transfer/index.ts");
  const options = { format, filter, signal: io.signal };
  for await (const piece of transfer.exportDevices(registry.devices, options)) {
    if (!(await write(io.stdout, piece))) break;
  }
  return exitCodes.ok;
}
