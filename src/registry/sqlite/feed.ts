import type { Change, Changes, ChangesOptions, Cursor } from "../../core/page.ts";
import type { Cursors } from "../cursor.ts";
import { invalidCursor } from "../failures.ts";
import { foldChanges } from "../fold-changes.ts";
import { resolveLimit } from "../page-options.ts";

export type ChangeName = Change<unknown>["change"];

/** By the number that stands for them in the feed. */
export const changeNames: readonly ["created", "updated", "deleted"] = ["created", "updated", "deleted"];

/** One entry of the feed, with the row as it is now unless it was deleted since. */
export interface FeedEntry<T> {
  readonly revision: number;
  readonly id: string;
  readonly change: ChangeName;
  readonly row: T | undefined;
}

/** A stretch of the feed, and what of the fleet was read with it. */
export interface Stretch<T> {
  /** After the cursor, in order; one more than the limit when there is more. */
  readonly entries: readonly FeedEntry<T>[];
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

  /** @param stretch reads entries after a revision, one more than the limit */
  async read<T>(
    after: Cursor,
    options: ChangesOptions | undefined,
    stretch: (after: number, most: number) => Promise<Stretch<T>>,
  ): Promise<Changes<T>> {
    const limit = resolveLimit(options);
    const from = Number(this.#cursors.read(this.#use, after));
    const { entries, end, forgotten } = await stretch(from, limit + 1);
    if (from < forgotten) {
      throw invalidCursor("the registry no longer remembers what came after this cursor; read the pages anew");
    }
    const more = entries.length > limit;
    const told = more ? entries.slice(0, limit) : entries;
    const last = more ? told.at(-1)?.revision : undefined;
    return { changes: foldEntries(told), cursor: this.cursor(last ?? Math.max(end, from)), more };
  }
}

/** What is folded to a row that was deleted since is left out: its deletion follows. */
function foldEntries<T>(entries: readonly FeedEntry<T>[]): readonly Change<T>[] {
  const rows = new Map<number, T>();
  const changes = entries.map(({ revision, id, change, row }): Change<undefined> => {
    if (row !== undefined) rows.set(revision, row);
    return change === "deleted" ? { change, id, revision } : { change, id, revision, row: undefined };
  });
  return foldChanges(changes).flatMap((change): readonly Change<T>[] => {
    if (change.change === "deleted") return [change];
    const row = rows.get(change.revision);
    return row === undefined ? [] : [{ ...change, row }];
  });
}
