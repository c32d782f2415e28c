import type { Listing } from "../../core/page.ts";
import type { Cursors } from "../cursor.ts";
import type { PageWindow } from "../page-options.ts";
import { firstAfter, type OrderedKeys } from "./ordered-keys.ts";

/** The keys that a page may show, in order: all, or of these alone. */
export function* keysAfter(
  all: OrderedKeys,
  ids: readonly string[] | undefined,
  after: string | undefined,
): Generator<string, void> {
  if (ids === undefined) yield* all.from(after);
  else yield* ids.slice(after === undefined ? 0 : firstAfter(ids, after));
}

/**
 * One page: the filter first, then the offset, then the limit. It looks one row ahead, so that a last page says so.
 * @param match the row under a key, if there is one and it matches
 */
export function readListing<T>(
  keys: Iterable<string>,
  match: (key: string) => T | undefined,
  window: PageWindow,
  issue: (position: string) => string,
): Listing<T> {
  const items: T[] = [];
  let last = "";
  let skip = window.offset;
  for (const key of keys) {
    const row = match(key);
    if (row === undefined) continue;
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    if (items.length === window.limit) return { items, next: issue(last) };
    items.push(row);
    last = key;
  }
  return { items };
}

/** Issues the cursors of one listing. */
export const issuer =
  (cursors: Cursors, use: string) =>
  (position: string): string =>
    cursors.issue(use, position);
