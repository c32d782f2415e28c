import { once } from "node:events";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../job.ts";
import { printable, printableJson } from "../text.ts";
import { reasonInFlags } from "./reasons.ts";

/** A stream that says when it is full. */
export interface Output {
  readonly destroyed?: boolean;
  readonly writableNeedDrain?: boolean;
  write(text: string): unknown;
}

/** Writes as fast as the reader reads. @returns whether there still is a reader: `head` may have left */
export async function write(output: Output, text: string): Promise<boolean> {
  if (output.destroyed === true) return false;
  output.write(text);
  if (output.writableNeedDrain === true) {
    const stream = output as Output & NodeJS.EventEmitter;
    const left = new AbortController();
    const ended = { signal: left.signal };
    const waits = ["drain", "close"].map((event) => once(stream, event, ended).catch(() => undefined));
    await Promise.race(waits);
    left.abort();
  }
  return !isDestroyed(output);
}

const isDestroyed = (output: Output): boolean => output.destroyed === true;

/** What became of one row. */
export interface RowResult {
  readonly id: string;
  readonly result: string;
  readonly revision?: number;
  readonly reason?: string;
}

const taken: ReadonlySet<string> = new Set(["created", "updated", "removed"]);

/**
 * Prints what became of each row.
 * @param say a reason in the words in which the row was given
 * @returns 3 where some were not taken
 */
export function reportRows(
  rows: readonly RowResult[],
  json: boolean | undefined,
  io: Io,
  say: (reason: string) => string = reasonInFlags,
): number {
  for (const told of rows) {
    const row = told.reason === undefined ? told : { ...told, reason: say(told.reason) };
    const line = json === true ? printableJson(row) : rowLine(row);
    io.stdout.write(`${line}\n`);
  }
  return rows.every(({ result }) => taken.has(result)) ? exitCodes.ok : exitCodes.failed;
}

function rowLine({ id, result, reason }: RowResult): string {
  return printable(`${id}  ${result}${reason === undefined ? "" : `: ${reason}`}`);
}

/** `name: value` lines of what is there. */
export function fieldLines(fields: readonly (readonly [name: string, value: string | undefined])[]): string {
  const present = fields.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${printable(`${name.padEnd(width)}  ${value}`)}\n`).join("");
}
