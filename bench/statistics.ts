import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Figure, Metric, PeerResult, Sample } from "./types.ts";

/** One sample's figure; see {@link Metric} for the units. NaN for a count that it does not have. */
export function figure(sample: Sample, metric: Figure): number {
  if (isCount(metric)) return sample.counts?.[metric.slice("count ".length)] ?? Number.NaN;
  switch (metric) {
    case "wall":
      return sample.wallNs / 1e3 / sample.ops;
    case "cpu":
      return sample.cpuUs / sample.ops;
    case "heap":
      return sample.heapBytes / sample.ops;
    case "rssPeak":
      return sample.rssPeak;
    case "rssHeld":
      return sample.rssHeld / sample.ops;
    case "retained":
      return sample.retained / sample.ops;
    default:
      return metric satisfies never;
  }
}

const isCount = (figure: Figure): figure is Exclude<Figure, Metric> => figure.startsWith("count ");

/** The middle value; the mean of the two in the middle where their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** One figure per process: the median of its rounds, so that rounds of one process do not count as independent. */
export function byProcess(peer: PeerResult, metric: Metric): readonly number[] {
  const processes = Map.groupBy(peer.samples, (sample) => sample.process);
  return [...processes.values()].map((samples) => median(samples.map((sample) => figure(sample, metric))));
}

/** Half the distance between the quartiles, relative to the median: how much a figure moved between rounds. */
export function spread(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN;
  return (at(0.75) - at(0.25)) / 2 / median(values);
}

interface Tests {
  mannWhitneyTest(other: RecordableHistogram): { readonly pValue: number };
  cliffsD(other: RecordableHistogram): number;
}

export interface Comparison {
  /** Relative change of the median, `after` against `before`: −0.1 is a tenth less. */
  readonly change: number;
  /** Two-sided Mann–Whitney U test. */
  readonly p: number;
  /** Cliff's delta, −1 to 1: how often a value after is above one before, less how often it is below. */
  readonly effect: number;
}

/**
 * Compares two sets of positive figures by rank, so that one slow round does not decide.
 * @throws where this Node has no rank test on histograms (added in Node 26)
 */
export function compare(before: readonly number[], after: readonly number[]): Comparison {
  // Histograms keep five digits of whole numbers: scale the smallest value to six.
  const scale = 1e6 / Math.max(Number.MIN_VALUE, Math.min(...before, ...after));
  const a = histogram(before, scale);
  const b = histogram(after, scale);
  if (typeof a.mannWhitneyTest !== "function") throw new Error("Comparing needs Node 26 or newer.");
  return {
    change: median(after) / median(before) - 1,
    p: a.mannWhitneyTest(b).pValue,
    effect: b.cliffsD(a),
  };
}

function histogram(values: readonly number[], scale: number): RecordableHistogram & Tests {
  const result = createHistogram({ figures: 5 });
  for (const value of values) result.record(Math.max(1, Math.round(value * scale)));
  return result as RecordableHistogram & Tests;
}

/** Holm's step-down correction: p-values of a family of tests, adjusted, in the order given. */
export function holm(values: readonly number[]): readonly number[] {
  const order = values.map((p, index) => ({ p, index })).toSorted((a, b) => a.p - b.p);
  const adjusted = new Array<number>(values.length).fill(1);
  let highest = 0;
  order.forEach(({ p, index }, rank) => {
    highest = Math.max(highest, Math.min(1, p * (values.length - rank)));
    adjusted[index] = highest;
  });
  return adjusted;
}

export type Verdict = "better" | "worse" | "~";

/** All figures here are costs. `~`: not significant at 5 %, or less than 3 %: nothing to talk about. */
export function verdict(change: number, adjustedP: number): Verdict {
  if (!(adjustedP < 0.05) || Math.abs(change) < 0.03) return "~";
  return change < 0 ? "better" : "worse";
}
