import type { Change, Changes, ChangesOptions, Cursor } from "../core/page.ts";
import type { Cursors } from "./cursor.ts";
import { invalidCursor } from "./failures.ts";
import { foldChanges } from "./fold-changes.ts";
import { resolveLimit } from "./page-options.ts";

export type ChangeName = Change<unknown>["change"];

/** By the number that stands for them in the feed. */
export const changeNames: readonly ["created", "updated", "deleted"] = ["created", "updated", "deleted"];

/** A stretch of the feed, and what of the fleet was read with it. */
export interface Stretch<T> {
  /** After the cursor, in order; one more than the limit when there is more. */
  readonly changes: readonly Change<T>[];
  /** The last revision given out. */
  readonly end: number;
  /** Changes up to here are forgotten. */
  readonly forgotten: number;
}

/** The cursors of one table's feed. */
export class Feed {
  readonly #cursors: Cursors;
  readonly #use: string;

  constructor(cursors: Cursors, table: string) {
    this.#cursors = cursors;
    this.#use = `feed ${table}`;
  }

  cursor(revision: number): Cursor {
    return this.#cursors.issue(this.#use, String(revision));
  }

  /** @param stretch reads changes after a revision, one more than the limit */
  async read<T>(
    after: Cursor,
    options: ChangesOptions | undefined,
    stretch: (after: number, most: number) => Promise<Stretch<T>>,
  ): Promise<Changes<T>> {
    const limit = resolveLimit(options);
    const from = Number(this.#cursors.read(this.#use, after));
    const { changes, end, forgotten } = await stretch(from, limit + 1);
    if (from > end) {
      throw invalidCursor(
        "the registry has not come as far as this cursor: it was restored from a backup, or another copy of it answers; read the pages anew",
      );
    }
    if (from < forgotten) {
      throw invalidCursor("the registry no longer remembers what came after this cursor; read the pages anew");
    }
    if (changes.length <= limit) {
      return { changes: foldChanges(changes), cursor: this.cursor(end), more: false };
    }
    const told = changes.slice(0, limit);
    return { changes: foldChanges(told), cursor: this.cursor(told.at(-1)?.revision ?? from), more: true };
  }
}
