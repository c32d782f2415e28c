/** How versions of one kind of firmware are told apart and put in order. */
export interface VersionScheme {
  readonly name: string;
  /** Negative, zero or positive as `a` is before, level with or after `b`. */
  compare(a: string, b: string): number;
  /** Whether a device that reports `reported` runs what is called `expected`. Stricter than `compare(…) === 0`. */
  equal(reported: string, expected: string): boolean;
  /** A string whose code-unit order is the order of `compare`, for stores that filter in their own language. */
  sortKey(version: string): string;
}
