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
   * Whether two versions that are level are one and the same, spelt in two ways: 1.2 and 1.2.0, not 1.0.0+a and 1.0.0+b, of
   * which nobody can tell which is older. Default: where they are `equal`.
   */
  same?(a: string, b: string): boolean;
  /**
   * A string whose code-unit order is the order of `compare`, for stores that filter in their own language. Without
   * surrogates, so that the order of its UTF-8 bytes is the same.
   */
  sortKey(version: string): string;
}

/** What of a scheme tells which of two versions is older. */
export type Ordering = Pick<VersionScheme, "compare" | "equal" | "orders" | "same">;

/** Negative, zero or positive as `a` is older than `b`, the same or newer; nothing where the scheme cannot tell. */
export function ageOf(versions: Ordering, a: string, b: string): number | undefined {
  const order = versions.compare(a, b);
  if (order === 0) return a === b || isSame(versions, a, b) ? 0 : undefined;
  const placed = [a, b].every((version) => versions.orders?.(version) !== false);
  return placed && !Number.isNaN(order) ? order : undefined;
}

function isSame(versions: Ordering, a: string, b: string): boolean {
  return versions.same?.(a, b) ?? versions.equal(a, b);
}

/** Versions that are only names: equal as strings, in code-unit order, of which none is older than another. */
export const exact: Required<VersionScheme> = Object.freeze({
  name: "exact",
  compare: compareCodeUnits,
  equal: (reported: string, expected: string) => reported === expected,
  orders: () => false,
  same: (a: string, b: string) => a === b,
  sortKey: flattenSurrogates,
});
