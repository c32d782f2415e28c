import { medianOf } from "./print.ts";
import { median } from "./statistics.ts";
import type { Figure, TrialResult } from "./types.ts";

/** The median of a peer's samples in a trial; NaN where there are none. */
export type Figures = (trial: string, peer: string, figure: Figure) => number;

/** @param turn only what the peers' processes of this number measured */
export function figuresOf(trials: readonly TrialResult[], turn?: number): Figures {
  return (name, peerName, metric) => {
    const peer = trials.find((trial) => trial.name === name)?.peers.find((peer) => peer.name === peerName);
    if (peer === undefined || turn === undefined) return medianOf(peer, metric);
    return medianOf({ ...peer, samples: peer.samples.filter(({ process }) => process === turn) }, metric);
  };
}

export interface Bar {
  readonly id: string;
  readonly metric: string;
  readonly bar: number;
  readonly goal: number;
  /** Whether a bar is a ceiling or a floor. */
  readonly bound: "at most" | "at least";
  readonly unit: "" | "×" | "KB" | "MB" | "µs" | "k/s";
  /** Judged by the worst turn instead of the middle one. */
  readonly worst?: true;
  measure(of: Figures): number;
}

/** Throughput of `a` in units of `b`'s: more is faster. */
export const speed = (of: Figures, trial: string, a: string, b: string): number =>
  of(trial, b, "wall") / of(trial, a, "wall");
export const cpu = (of: Figures, trial: string, a: string, b: string): number =>
  of(trial, a, "cpu") / of(trial, b, "cpu");

export const atMost = (
  id: string,
  metric: string,
  bar: number,
  goal: number,
  unit: Bar["unit"],
  measure: Bar["measure"],
): Bar => ({
  id,
  metric,
  bar,
  goal,
  bound: "at most",
  unit,
  measure,
});
export const atLeast = (id: string, metric: string, bar: number, goal: number, measure: Bar["measure"]): Bar => ({
  id,
  metric,
  bar,
  goal,
  bound: "at least",
  unit: "×",
  measure,
});

/** What must not happen at all, in no turn. */
export const none = (id: string, metric: string, measure: Bar["measure"]): Bar => ({
  ...atMost(id, metric, 0, 0, "", measure),
  worst: true,
});

export interface Measured {
  /** The median over turns; NaN where nothing was measured. */
  readonly value: number;
  /** The quartiles over turns. */
  readonly low: number;
  readonly high: number;
  /** Turns that it was measured in. */
  readonly turns: number;
}

/** A bar is measured within each turn of the peers, so that what slows a whole turn down cancels out. */
export function measureBar(bar: Bar, trials: readonly TrialResult[]): Measured {
  const turns = processesOf(trials);
  const values = Array.from({ length: turns }, (_, turn) => bar.measure(figuresOf(trials, turn)))
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  const at = (q: number): number => values[Math.round(q * (values.length - 1))] ?? Number.NaN;
  const worst = at(bar.bound === "at most" ? 1 : 0);
  if (bar.worst === true) return { value: worst, low: worst, high: worst, turns: values.length };
  return { value: median(values), low: at(0.25), high: at(0.75), turns: values.length };
}

/** The most processes that any peer was given. */
export function processesOf(trials: readonly TrialResult[]): number {
  return Math.max(
    0,
    ...trials.flatMap(({ peers }) => peers.flatMap(({ samples }) => samples.map((s) => s.process + 1))),
  );
}

export type Standing = "goal met" | "met" | "not met" | "unsure" | "not measured";

/** `unsure`: the bar lies between the quartiles, so that chance decides. */
export function standing(bar: Bar, { value, low, high }: Omit<Measured, "turns">): Standing {
  if (!Number.isFinite(value)) return "not measured";
  if (low < bar.bar && bar.bar < high) return "unsure";
  const reaches = (mark: number): boolean => (bar.bound === "at most" ? value <= mark : value >= mark);
  if (!reaches(bar.bar)) return "not met";
  return reaches(bar.goal) ? "goal met" : "met";
}
