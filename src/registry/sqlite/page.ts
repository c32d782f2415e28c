import type { Listing } from "../../core/page.ts";
import type { Parameter } from "../../store/sqlite/index.ts";
import type { Cursors } from "../cursor.ts";
import type { PageWindow } from "../page-options.ts";

/** One condition of a filter in SQL, with its parameters. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/**
 * A list as the one parameter that `json_each` takes. Half of a surrogate pair stays one, which no row has; bound as
 * text it would become U+FFFD, which a row may have.
 */
export const list = (values: readonly unknown[]): string => JSON.stringify(values);

/** A page of the rows that were read: one more than the limit when there is a next one. */
export function listing<T>(rows: readonly T[], key: (row: T) => string, window: PageWindow, issue: Issue): Listing<T> {
  if (rows.length <= window.limit) return { items: rows };
  const items = rows.slice(0, window.limit);
  return { items, next: issue(key(items.at(-1) as T)) };
}

type Issue = (position: string) => string;

/** Issues the cursors of one listing. */
export const issuer =
  (cursors: Cursors, use: string): Issue =>
  (position) =>
    cursors.issue(use, position);
