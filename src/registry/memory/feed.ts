import type { Change, Changes, ChangesOptions, Cursor } from "../../core/page.ts";
import type { Cursors } from "../cursor.ts";
import { invalidCursor } from "../failures.ts";
import { foldChanges } from "../fold-changes.ts";
import { resolveLimit } from "../page-options.ts";

/** Changes that are kept at least; up to twice as many are, so that forgetting costs next to nothing. */
const kept = 100_000;

/** What happened to the rows of one table, in order. */
export class Feed<T> {
  readonly #cursors: Cursors;
  readonly #use: string;
  #changes: Change<T>[] = [];
  #forgotten = 0;

  /** @param table what its cursors are bound to */
  constructor(cursors: Cursors, table: string) {
    this.#cursors = cursors;
    this.#use = `feed ${table}`;
  }

  append(change: Change<T>): void {
    // Every reader is handed the same one.
    this.#changes.push(Object.freeze(change));
    if (this.#changes.length < 2 * kept) return;
    this.#forgotten += kept;
    this.#changes = this.#changes.slice(kept);
  }

  end(): Cursor {
    return this.#cursor(this.#forgotten + this.#changes.length);
  }

  /** @param wanted counts towards the limit, and is told */
  read(after: Cursor, options: ChangesOptions | undefined, wanted: (change: Change<T>) => boolean): Changes<T> {
    const limit = resolveLimit(options);
    const start = Number(this.#cursors.read(this.#use, after)) - this.#forgotten;
    if (start < 0)
      throw invalidCursor("the registry no longer remembers what came after this cursor; read the pages anew");
    const stretch: Change<T>[] = [];
    let end = start;
    for (; end < this.#changes.length && stretch.length < limit; end += 1) {
      const change = this.#changes[end];
      if (change !== undefined && wanted(change)) stretch.push(change);
    }
    return {
      changes: foldChanges(stretch),
      cursor: this.#cursor(this.#forgotten + end),
      more: end < this.#changes.length,
    };
  }

  #cursor(position: number): Cursor {
    return this.#cursors.issue(this.#use, String(position));
  }
}
