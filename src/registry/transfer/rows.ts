import { invalidOption } from "../failures.ts";
import { isRecord, strangeField } from "../plain.ts";
import { type Columns, readCell } from "./columns.ts";
import { CsvFault, type CsvRecord, readCsv } from "./csv.ts";
import { readLines, readText, type TransferSource } from "./lines.ts";

export type TransferFormat = "csv" | "ndjson";

/** A row of what is imported with the characters that it took, or what is wrong with it. */
export type ReadRow =
  | { readonly line: number; readonly length: number; readonly row: Readonly<Record<string, unknown>> }
  | { readonly line: number; readonly id: string; readonly reason: string };

/** @throws `invalid_option` for what cannot be read on from: a bad header, quotes that do not match, no UTF-8 */
export function readRows(source: TransferSource, format: TransferFormat, columns: Columns): AsyncIterable<ReadRow> {
  if (format === "csv") return readCsvRows(source, columns);
  if (format === "ndjson") return readJsonRows(source, columns);
  throw invalidOption("format must be csv or ndjson");
}

async function* readJsonRows(source: TransferSource, columns: Columns): AsyncGenerator<ReadRow, void> {
  for await (const [line, text] of readLines(readText(source))) yield readJsonRow(line, text, columns);
}

function readJsonRow(line: number, text: string, columns: Columns): ReadRow {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    return { line, id: "", reason: "the line must be JSON" }; // the parser's message would quote the line
  }
  if (!isRecord(row)) return { line, id: "", reason: "the line must be a JSON object" };
  const id = typeof row["id"] === "string" ? row["id"] : "";
  const strange = strangeField(row, Object.keys(columns));
  return strange === undefined ? { line, length: text.length, row } : { line, id, reason: `the object ${strange}` };
}

async function* readCsvRows(source: TransferSource, columns: Columns): AsyncGenerator<ReadRow, void> {
  let header: readonly string[] | undefined;
  try {
    for await (const record of readCsv(readText(source))) {
      if (header === undefined) header = readHeader(record.cells, columns);
      else yield readCsvRow(record, header, columns);
    }
  } catch (error) {
    if (error instanceof CsvFault) throw invalidOption(error.message);
    throw error;
  }
}

function readHeader(cells: readonly string[], columns: Columns): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  const isKnown = names.every((name) => Object.hasOwn(columns, name)) && new Set(names).size === names.length;
  if (isKnown && names.includes("id")) return names;
  throw invalidOption(`the first line must name columns, id among them, each once: ${Object.keys(columns).join(", ")}`);
}

function readCsvRow({ line, cells }: CsvRecord, header: readonly string[], columns: Columns): ReadRow {
  const id = cells[header.indexOf("id")] ?? "";
  if (cells.length !== header.length) return { line, id, reason: `the line must have ${header.length} cells` };
  const row: Record<string, unknown> = {};
  for (const [i, name] of header.entries()) {
    try {
      const value = readCell(columns[name] ?? "text", cells[i] ?? "");
      if (value !== undefined) row[name] = value;
    } catch {
      return { line, id, reason: `${name} must be JSON` };
    }
  }
  return { line, length: cells.reduce((length, cell) => length + cell.length, 0), row };
}
