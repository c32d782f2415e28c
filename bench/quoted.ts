import type { Figures } from "./bars.ts";

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

/** Not run side by side: other code, another day. Ratios to it are no bars. */
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
];
