import { compareCodeUnits, flattenSurrogates } from "./code-units.ts";

export { semver } from "./semver.ts";

/** How versions of one kind of firmware are told apart and put in order. */
export interface VersionScheme {
  readonly name: string;
  /** Negative, zero or positive as `a` is before, level with or after `b`. */
  compare(a: string, b: string): number;
  /** Whether a device that reports `reported` runs what is called `expected`. Stricter than `compare(…) === 0`. */
  equal(reported: string, expected: string): boolean;
  /**
   * Whether this version has a place in the order, so that one before it is older. `compare` sorts the others too, but what
   * must not be a downgrade is refused where one of the two has none. Default: every version has one.
   */
  orders?(version: string): boolean;
  /**
   * A string whose code-unit order is the order of `compare`, for stores that filter in their own language. Without
   * surrogates, so that the order of its UTF-8 bytes is the same.
   */
  sortKey(version: string): string;
}

/** Negative, zero or positive as `a` is older than `b`, level with it or newer; nothing where the scheme cannot tell. */
export function ageOf(versions: Pick<VersionScheme, "compare" | "orders">, a: string, b: string): number | undefined {
  const order = versions.compare(a, b);
  if (order === 0) return 0;
  const placed = [a, b].every((version) => versions.orders?.(version) !== false);
  return placed && !Number.isNaN(order) ? order : undefined;
}

/** Versions that are only names: equal as strings, in code-unit order, of which none is older than another. */
export const exact: Required<VersionScheme> = Object.freeze({
  name: "exact",
  compare: compareCodeUnits,
  equal: (reported: string, expected: string) => reported === expected,
  orders: () => false,
  sortKey: flattenSurrogates,
});
