import type { Figures } from "./bar.ts";

/** A figure that the reference system's authors state, and what its code reached on a machine like the baseline's. */
export interface Quoted {
  readonly what: string;
  /** Milliseconds. Absent: never stated. */
  readonly claimed?: number;
  /** Milliseconds, the best of several runs. */
  readonly reached: number;
  /** Milliseconds. */
  measure(of: Figures): number;
}

/** The reference system's store: trial, what it is, and its figures in microseconds. */
export const quotedStore: readonly {
  readonly trial: string;
  readonly what: string;
  readonly claimed: number;
  readonly reached: number;
}[] = [
  { trial: "snapshot-page", what: "a page of 50 profiles", claimed: 516, reached: 333 },
  { trial: "changes", what: "60 changes since a cursor", claimed: 526, reached: 279 },
  { trial: "headers", what: "500 headers of 100 profiles", claimed: 3_800, reached: 5_400 },
  { trial: "fleet-metrics", what: "what a fleet has", claimed: 268, reached: 436 },
  { trial: "resolve-siblings", what: "a profile with ten overrides resolved", claimed: 159, reached: 343 },
  { trial: "resolve-chain", what: "a profile with a chain of ten resolved", claimed: 159, reached: 343 },
  { trial: "resolve-past", what: "ten overrides resolved as of a revision", claimed: 159, reached: 343 },
  { trial: "overrides-none", what: "overrides since a cursor, none", claimed: 30, reached: 68 },
  { trial: "overrides-ten", what: "overrides since a cursor, ten (theirs: none)", claimed: 30, reached: 68 },
  { trial: "concurrent-snapshots-private", what: "pages by four at once, a file each", claimed: 124, reached: 190 },
  { trial: "concurrent-snapshots-shared", what: "pages by four at once, one file", claimed: 124, reached: 190 },
  { trial: "concurrent-changes-private", what: "changes by four at once, a file each", claimed: 315, reached: 358 },
  { trial: "concurrent-changes-shared", what: "changes by four at once, one file", claimed: 315, reached: 358 },
];

/**
 * Not run side by side: other code, another day. Ratios to it are no bars, but for the store, which is to beat them; its
 * trials have a program beside them that works as the reference does.
 */
export const quoted: readonly Quoted[] = [
  {
    what: "push of 22 bytes, one at a time, kept connection",
    claimed: 0.0501,
    reached: 0.026,
    measure: (of) => of("push-22-alone", "flashwave", "wall") / 1e3,
  },
  {
    what: "read of the version, small JSON, one at a time",
    claimed: 0.1154,
    reached: 0.093,
    measure: (of) => of("inspect-alone", "flashwave", "wall") / 1e3,
  },
  { what: "10 MB push", claimed: 14.4, reached: 34, measure: (of) => of("10mb", "flashwave memory", "wall") / 1e3 },
  { what: "100 MB push", claimed: 28, reached: 61, measure: (of) => of("100mb", "flashwave memory", "wall") / 1e3 },
  ...(
    [
      [1, 27, 63],
      [10, 107, 595],
      [100, 817, 5_300],
    ] as const
  ).map(([thousands, claimed, reached]) => ({
    what: `${thousands},000 devices, a delivery that does nothing, 100 at once`,
    claimed,
    reached,
    measure: (of: Figures) => of(`load-${thousands}k`, "flashwave", "wall") * thousands,
  })),
  { what: "100 × 10 MB", reached: 2_780, measure: (of) => of("100x10mb", "flashwave file", "wall") / 10 },
  ...quotedStore.map(({ trial, what, claimed, reached }) => ({
    what,
    claimed: claimed / 1e3,
    reached: reached / 1e3,
    measure: (of: Figures) => of(trial, "sqlite", "wall") / 1e3,
  })),
];
