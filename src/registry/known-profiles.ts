import type { ProfileRow } from "../core/profile-registry.ts";

/** Rows remembered, and the most text each of them may have: 16 MiB in all. */
const kept = 2_048;
const smallText = 8_192;

/**
 * Rows of profiles by revision, which says all of a row: to read, parse and freeze one again is most of what a page costs.
 *
 * A row is remembered once it is asked for again, with fewer than 1,024 to 2,048 others in between. Whoever walks through
 * more profiles than fit, or follows the feed, asks for each once: remembered at once, they would drive out what is asked
 * for often, and nobody would ask for them before they went. Besides, rows that live for a while cost the garbage
 * collector a quarter of such a walk.
 */
export class KnownProfiles {
  readonly #rows = new Map<number, ProfileRow>();
  /** Revisions that were asked for of late, and before those. */
  #asked = new Set<number>();
  #askedBefore = new Set<number>();

  get(revision: number): ProfileRow | undefined {
    return this.#rows.get(revision);
  }

  /** @param columns what the row was read from */
  add(row: ProfileRow, columns: readonly unknown[]): void {
    const { revision } = row;
    if (!this.#isAskedAgain(revision) || textLength(columns) > smallText) return;
    if (this.#rows.size >= kept) this.#rows.delete(this.#rows.keys().next().value ?? revision);
    this.#rows.set(revision, row);
  }

  #isAskedAgain(revision: number): boolean {
    if (this.#asked.has(revision) || this.#askedBefore.has(revision)) return true;
    if (this.#asked.size >= kept / 2) [this.#askedBefore, this.#asked] = [this.#asked, new Set()];
    this.#asked.add(revision);
    return false;
  }
}

const textLength = (columns: readonly unknown[]): number =>
  columns.reduce<number>((length, value) => length + (typeof value === "string" ? value.length : 0), 0);
