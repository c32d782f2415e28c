import type { Change } from "../core/page.ts";

/**
 * Folds a stretch of the feed to one change per row: from whether the row was there before the stretch (its first
 * change is not `created`) to whether it is there after it (its last is not `deleted`), in the order of last changes.
 */
export function foldChanges<T>(stretch: readonly Change<T>[]): readonly Change<T>[] {
  // Most stretches tell of no row twice: then each change is its row's first and last.
  if (new Set(stretch.map(({ id }) => id)).size === stretch.length) return stretch;
  const folded = new Map<string, { readonly known: boolean; readonly last: Change<T> }>();
  for (const change of stretch) {
    const earlier = folded.get(change.id);
    folded.delete(change.id);
    folded.set(change.id, { known: earlier?.known ?? change.change !== "created", last: change });
  }
  const changes: Change<T>[] = [];
  for (const { known, last } of folded.values()) {
    if (last.change === "deleted") {
      if (known) changes.push(last);
      continue;
    }
    const change = known ? "updated" : "created";
    changes.push(last.change === change ? last : { ...last, change });
  }
  return changes;
}
