import type { Parameter } from "../../store/postgres/index.ts";
import type { PageWindow } from "../page-options.ts";

/** One condition of a filter in SQL, a `?` for each parameter. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

export const condition = (sql: string, ...parameters: Condition["parameters"]): Condition => ({ sql, parameters });

/** What no row meets. */
export const nothing: Condition = condition("false");

/**
 * Whether a text may be in the database at all. No row has half of a surrogate pair, which would be sent as U+FFFD, nor a
 * NUL, which PostgreSQL refuses.
 */
export const isStorable = (text: unknown): text is string =>
  typeof text === "string" && text.isWellFormed() && !text.includes("\0");

/** Those of a list of keys that a row may have, each once. */
export const keys = (values: readonly unknown[]): string[] => [...new Set(values.filter(isStorable))];

/**
 * Rows as a parameter of the type json: the bytes of its text. As a string, which `pg` writes out, it ends in V8's old space
 * and stays there until a full collection: importing 100,000 devices took 75 to 81 MB instead of 63.
 */
export const json = (rows: readonly object[]): Buffer => Buffer.from(JSON.stringify(rows));

/**
 * How far a page goes: one row more than it has. The offset is hidden in a SELECT, so that PostgreSQL walks an index to it:
 * for one that it knows to be far it would rather read and sort all keys of the fleet.
 */
export const cut = ({ limit, offset }: Pick<PageWindow, "limit" | "offset">): Condition =>
  offset === 0 ? condition("LIMIT ?", limit + 1) : condition("LIMIT ? OFFSET (SELECT ?::int8)", limit + 1, offset);

/**
 * The rows of a page whose keys, `k`, are found first: what is skipped or sorted on the way to them is an index's entries. As
 * one statement 90,000 devices that were skipped were read whole, subselects included, which took 200 ms instead of 6 (30
 * before the table's first vacuum). OFFSET 0 has PostgreSQL look each row up, see the resolver's.
 * @param rows one row by its key
 */
export const lookedUp = (keys: Condition, rows: Condition, order: string): Condition =>
  condition(
    `SELECT r.* FROM (${keys.sql}) k CROSS JOIN LATERAL (${rows.sql} OFFSET 0) r ORDER BY ${order}`,
    ...keys.parameters,
    ...rows.parameters,
  );

/** Numbers the parameters as PostgreSQL has them. */
export function numbered({ sql, parameters }: Condition): Condition {
  let count = 0;
  const text = sql.replaceAll("?", () => {
    count += 1;
    return `$${count}`;
  });
  return { sql: text, parameters };
}

/**
 * Rows, and with them what the fleet's own row says: one statement, so that both are of one moment. Where there are no rows
 * there is one, of the fleet's columns alone.
 */
export function beside(fleetColumns: string, columns: string, rows: Condition, fleet: number): Condition {
  return numbered({
    sql: `SELECT ${fleetColumns}, ${columns} FROM flashwave.fleet f LEFT JOIN LATERAL (${rows.sql}) r ON true WHERE f.key = ?`,
    parameters: [...rows.parameters, fleet],
  });
}
