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
   * A string whose code-unit order is the order of `compare`, for stores that filter in their own language. Without
   * surrogates, so that the order of its UTF-8 bytes is the same.
   */
  sortKey(version: string): string;
}

/** Versions that are only names: equal as strings, in code-unit order. */
export const exact: VersionScheme = Object.freeze({
  name: "exact",
  compare: compareCodeUnits,
  equal: (reported: string, expected: string) => reported === expected,
  sortKey: flattenSurrogates,
});
