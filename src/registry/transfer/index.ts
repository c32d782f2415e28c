import type { DeviceFilter, DeviceInput, DeviceRegistry } from "../../core/device-registry.ts";
import type { CallOptions, Listing, PageOptions } from "../../core/page.ts";
import type { ProfileFilter, ProfileInput, ProfileRegistry } from "../../core/profile-registry.ts";
import { partlyDone } from "../batches.ts";
import { invalidOption } from "../failures.ts";
import { only } from "../filter.ts";
import { namesOf } from "../plain.ts";
import { type Columns, deviceColumns, pickFields, profileColumns, writeCell } from "./columns.ts";
import { writeCsv } from "./csv.ts";
import type { TransferSource } from "./lines.ts";
import { readRows, type TransferFormat } from "./rows.ts";

export type { TransferSource } from "./lines.ts";
export type { TransferFormat } from "./rows.ts";

export interface ImportOptions extends CallOptions {
  readonly format: TransferFormat;
  /** Called for each row that was not taken, in order. */
  readonly onRefused?: (refusal: RefusedRow) => void;
}

/** A row that was not taken. It holds nothing of the row but its id. */
export interface RefusedRow {
  /** Of the source, from 1; of a row over several lines the first. */
  readonly line: number;
  readonly id: string;
  /** What the registry said, `malformed` when the row could not even be read. */
  readonly result: string;
  readonly reason: string;
}

export interface ImportReport {
  readonly created: number;
  readonly updated: number;
  readonly refused: number;
}

/**
 * Puts devices from CSV or NDJSON, 200 at a time and fewer where rows are large, so that memory stays flat however many
 * there are. One bad row does not keep the others out; rows that were there are replaced whole.
 *
 * CSV has a header of `DeviceInput`'s fields in any order, `id` among them; tags and pins are separated by semicolons (or
 * a JSON list), metadata and profile are JSON. NDJSON has one such object a line.
 *
 * @throws `invalid_option` for a header it does not know, quotes that do not match and bytes that are not UTF-8; what came
 * before stays imported. What the registry throws, saying how many rows were imported before; they stay.
 */
export async function importDevices(
  devices: Pick<DeviceRegistry, "put">,
  source: TransferSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const call = callOf(options, importOptions);
  const put = (rows: readonly object[]) => devices.put(rows as readonly DeviceInput[], call);
  return importRows(source, deviceColumns, put, options);
}

/** As `importDevices`, of `ProfileInput`: parents before what overrides them. Requests, items and options are JSON. */
export async function importProfiles(
  profiles: Pick<ProfileRegistry, "put">,
  source: TransferSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const call = callOf(options, importOptions);
  const put = (rows: readonly object[]) => profiles.put(rows as readonly ProfileInput[], call);
  return importRows(source, profileColumns, put, options);
}

export interface ExportOptions<Filter> extends CallOptions {
  readonly format: TransferFormat;
  /** @default all */
  readonly filter?: Filter;
}

/** What was registered of devices, in the order of their ids, as `importDevices` reads it; a page at a time. */
export async function* exportDevices(
  devices: Pick<DeviceRegistry, "page">,
  options: ExportOptions<DeviceFilter>,
): AsyncGenerator<string, void> {
  const call = callOf(options, exportOptions);
  yield* exportRows((window) => devices.page(options.filter, { ...call, ...window }), deviceColumns, options.format);
}

/**
 * Profiles as `importProfiles` reads them: bases first, then overrides, parents before their children. It holds the ids of
 * all overrides, and 500 rows.
 */
export async function* exportProfiles(
  profiles: Pick<ProfileRegistry, "page" | "getMany">,
  options: Omit<ExportOptions<ProfileFilter>, "filter">,
): AsyncGenerator<string, void> {
  const call = callOf(
    options,
    exportOptions.filter((name) => name !== "filter"),
  );
  const { format } = options;
  const page = (kind: "base" | "override") => (window: PageOptions) => profiles.page({ kind }, { ...call, ...window });
  yield* exportRows(page("base"), profileColumns, format);
  const children = new Map<string, string[]>();
  for await (const overrides of pages(page("override"))) {
    for (const { id, parent = "" } of overrides) {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [id]);
      else siblings.push(id);
    }
  }
  const ids = new Set([...children.values()].flat());
  let level = [...children].flatMap(([parent, siblings]) => (ids.has(parent) ? [] : siblings));
  for (; level.length > 0; level = level.flatMap((id) => children.get(id) ?? [])) {
    for (let at = 0; at < level.length; at += pageSize) {
      const rows = await profiles.getMany(level.slice(at, at + pageSize), call);
      yield [...rows.values()].map((row) => writeRow(row, profileColumns, format)).join("");
    }
  }
}

const importOptions = namesOf<ImportOptions>({ format: true, onRefused: true, signal: true });
const exportOptions = namesOf<ExportOptions<never>>({ format: true, filter: true, signal: true });

/** What of a transfer's options goes with each of its calls. @throws `invalid_option` */
function callOf(options: CallOptions, names: readonly string[]): CallOptions {
  only(options, names, "options");
  return options.signal === undefined ? {} : { signal: options.signal };
}

/** Rows that are read at once. */
const pageSize = 500;
/** As many rows as a registry writes in one commit: the more wait, the more outlive V8's collections. */
const batch = 200;
/** Characters after which no further row is waited for: two hundred of the largest rows would be 60 MB. */
const batchText = 2_097_152;

interface Waiting {
  readonly line: number;
  readonly row: object;
}

type PutResult = { readonly id: string; readonly result: string; readonly reason?: string };

type PutRows = (rows: readonly object[]) => Promise<readonly PutResult[]>;

/** What fails in the midst of an import, whether it is read or put, says what is there already. */
async function importRows(
  source: TransferSource,
  columns: Columns,
  put: PutRows,
  options: ImportOptions,
): Promise<ImportReport> {
  const report = { created: 0, updated: 0, refused: 0 };
  try {
    await putRows(readRows(source, options.format, columns), put, options.onRefused, report);
  } catch (error) {
    const done = report.created + report.updated;
    throw partlyDone(error, done, importedBefore(done));
  }
  return report;
}

async function putRows(
  rows: ReturnType<typeof readRows>,
  put: PutRows,
  onRefused: ImportOptions["onRefused"],
  report: { -readonly [Name in keyof ImportReport]: ImportReport[Name] },
): Promise<void> {
  const refuse = (refusal: RefusedRow) => {
    report.refused += 1;
    onRefused?.(refusal);
  };
  let waiting: Waiting[] = [];
  let text = 0;
  const flush = async () => {
    const some = waiting;
    waiting = [];
    text = 0;
    for (const [i, result] of (await put(some.map(({ row }) => row))).entries()) {
      if (result.result === "created") report.created += 1;
      else if (result.result === "updated") report.updated += 1;
      else refuse({ line: some[i]?.line ?? 0, reason: "the row was not taken", ...result });
    }
  };
  try {
    for await (const read of rows) {
      if ("row" in read) {
        waiting.push(read);
        text += read.length;
      } else {
        await flush(); // refusals are told in order
        refuse({ result: "malformed", ...read });
      }
      if (waiting.length === batch || text >= batchText) await flush();
    }
  } finally {
    if (waiting.length > 0) await flush();
  }
}

/** What an error of an import ends with. */
const importedBefore = (rows: number): string =>
  rows === 1 ? "1 row was imported before" : `${rows} rows were imported before`;

type ExportedRow = Parameters<typeof pickFields>[0];

async function* exportRows(
  read: (window: PageOptions) => Promise<Listing<ExportedRow>>,
  columns: Columns,
  format: TransferFormat,
): AsyncGenerator<string, void> {
  if (format !== "csv" && format !== "ndjson") throw invalidOption("format must be csv or ndjson");
  if (format === "csv") yield writeCsv(Object.keys(columns));
  for await (const rows of pages(read)) yield rows.map((row) => writeRow(row, columns, format)).join("");
}

async function* pages<Row>(read: (window: PageOptions) => Promise<Listing<Row>>): AsyncGenerator<readonly Row[], void> {
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const { items, next } = await read({ limit: pageSize, ...(after === undefined ? {} : { after }) });
    if (items.length > 0) yield items;
    after = next;
  }
}

function writeRow(row: ExportedRow, columns: Columns, format: TransferFormat): string {
  const fields = pickFields(row, columns);
  if (format === "ndjson") return `${JSON.stringify(fields)}\n`;
  return writeCsv(Object.entries(columns).map(([name, kind]) => writeCell(kind, fields[name])));
}
