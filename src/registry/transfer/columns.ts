import type { DeviceInput, ProfileInput, ProfileRow, RegisteredDevice } from "../../core/registry.ts";

/** How a field is written in a cell: as it is, as a list with semicolons (or a JSON list), or as JSON. */
export type CellKind = "text" | "list" | "json";

export type Columns = Readonly<Record<string, CellKind>>;

/** What of a device is exported, and may be imported: what was registered, not what was observed. */
export const deviceColumns: Columns = Object.freeze({
  id: "text",
  address: "text",
  name: "text",
  delivery: "text",
  probe: "text",
  profileId: "text",
  group: "text",
  site: "text",
  location: "text",
  tags: "list",
  pins: "list",
  metadata: "json",
  credentials: "json",
  profile: "json",
} satisfies { [Name in Exclude<keyof DeviceInput, "ifRevision">]-?: CellKind });

export const profileColumns: Columns = Object.freeze({
  id: "text",
  name: "text",
  description: "text",
  delivery: "text",
  parent: "text",
  scope: "text",
  group: "text",
  device: "text",
  requests: "json",
  items: "json",
  options: "json",
} satisfies { [Name in Exclude<keyof ProfileInput, "ifRevision">]-?: CellKind });

/** The fields of a row that have a column. */
export function pickFields(row: RegisteredDevice | ProfileRow, columns: Columns): Readonly<Record<string, unknown>> {
  const fields = row as unknown as Readonly<Record<string, unknown>>;
  const names = Object.keys(columns).filter((name) => fields[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

/** What a spreadsheet would run as a formula (OWASP, "CSV Injection"), and what is put before it. */
const runnable = /^[=+\-@\t\r]/;
const guarded = /^'+[=+\-@\t\r]/;

export function writeCell(kind: CellKind, value: unknown): string {
  const cell = plainCell(kind, value);
  return runnable.test(cell) || guarded.test(cell) ? `'${cell}` : cell;
}

function plainCell(kind: CellKind, value: unknown): string {
  if (value === undefined) return "";
  if (kind === "text") return String(value);
  if (kind === "list" && Array.isArray(value) && value.length > 0 && value.every(isSimple)) return value.join(";");
  return JSON.stringify(value);
}

const isSimple = (member: unknown): boolean =>
  typeof member === "string" && member === member.trim() && !member.includes(";") && !member.startsWith("[");

/** A cell's value; absent when it is empty. An apostrophe before a formula is taken away. @throws SyntaxError for JSON that is none */
export function readCell(kind: CellKind, text: string): unknown {
  if (text === "") return undefined;
  const cell = guarded.test(text) ? text.slice(1) : text;
  if (kind === "text") return cell;
  if (kind === "list" && !cell.startsWith("[")) return cell.split(";").map((member) => member.trim());
  return JSON.parse(cell) as unknown;
}
