import type { Listing } from "../core/page.ts";
import type { Cursors } from "./cursor.ts";
import type { PageWindow } from "./page-options.ts";

/** What was read for a page, all of one moment. */
export interface FoundPage<T> {
  /** In the order of their keys, one more than the limit when there is a next page. */
  readonly rows: readonly T[];
  /** The revision at which the feed ends. */
  readonly end: number;
}

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
