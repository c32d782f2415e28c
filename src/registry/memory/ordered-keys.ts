import { compareCodePoints } from "../../core/code-units.ts";

/**
 * Keys in code point order. Writes only note what came and went; the next ordered read merges that in, once.
 */
export class OrderedKeys {
  #sorted: string[] = [];
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();

  add(key: string): void {
    this.#added.add(key);
  }

  remove(key: string): void {
    if (!this.#added.delete(key)) this.#removed.add(key);
  }

  /** From the first key after `after` on. Do not write while iterating. */
  *from(after: string | undefined): Generator<string, void> {
    const sorted = this.#settle();
    for (let i = after === undefined ? 0 : firstAfter(sorted, after); i < sorted.length; i += 1) {
      yield sorted[i] as string;
    }
  }

  #settle(): readonly string[] {
    if (this.#added.size === 0 && this.#removed.size === 0) return this.#sorted;
    const added = [...this.#added].sort(compareCodePoints);
    const merged: string[] = [];
    let next = 0;
    for (const key of this.#sorted) {
      if (this.#removed.has(key)) continue;
      for (let add = added[next]; add !== undefined && compareCodePoints(add, key) < 0; add = added[next]) {
        merged.push(add);
        next += 1;
      }
      merged.push(key);
    }
    for (; next < added.length; next += 1) merged.push(added[next] as string);
    this.#added.clear();
    this.#removed.clear();
    this.#sorted = merged;
    return merged;
  }
}

/** The index of the first key greater than `after`. */
export function firstAfter(sorted: readonly string[], after: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareCodePoints(sorted[middle] as string, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
