/** A place in a listing or in a change feed. Opaque: keep it as it is, and give it back to the call it came from. */
export type Cursor = string;

export interface CallOptions {
  /** Aborted before the call began: nothing is done. Aborted later: a write may or may not have happened. */
  readonly signal?: AbortSignal;
}

export interface PageOptions extends CallOptions {
  /** `next` of the page before. A cursor is bound to its filter; `limit` may change from page to page. */
  readonly after?: Cursor;
  /**
   * Rows to skip from the start, for small tables: its cost grows with the number, and rows that come or go while one
   * pages shift the rest. Not together with `after`.
   * @default 0
   */
  readonly offset?: number;
  /** Rows, 1 to 1,000. @default 100 */
  readonly limit?: number;
}

export interface Listing<T> {
  /** The rows that match, in the order of their keys, by code point. The filter is applied before the limit. */
  readonly items: readonly T[];
  /** Where the next page begins; absent exactly when this page is the last. */
  readonly next?: Cursor;
}

export interface Page<T> extends Listing<T> {
  /**
   * The end of the change feed as this page was read. Whoever reads all pages and then the changes after the *first*
   * page's `feed` holds every row as it is now, whatever was changed in between.
   */
  readonly feed: Cursor;
}

/**
 * What became of one row between two places of the feed. Several changes of one row may be folded into the one that
 * leads from its state before to its state after: created and updated is `created`, updated and deleted is `deleted`,
 * deleted and created again is `updated`, created and deleted is nothing at all.
 *
 * `row` is the row at that change or at a later one, never at an earlier one. A `created` or `updated` whose row was
 * deleted after this stretch of the feed may be left out; its `deleted` still follows, perhaps for a row never seen.
 */
export type Change<T> =
  | { readonly change: "created" | "updated"; readonly id: string; readonly revision: number; readonly row: T }
  | { readonly change: "deleted"; readonly id: string; readonly revision: number };

export interface ChangesOptions extends CallOptions {
  /** Changes, 1 to 1,000, before folding. @default 100 */
  readonly limit?: number;
}

export interface Changes<T> {
  /** In the order in which they happened; of folded changes the last one counts. At most one per row. */
  readonly changes: readonly Change<T>[];
  /** Where to go on. Always present: nothing between `after` and here is told twice, and nothing is left out. */
  readonly cursor: Cursor;
  /** Whether there was more to read when this was read. */
  readonly more: boolean;
}
