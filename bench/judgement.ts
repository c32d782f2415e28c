import { type Comparison, compare, holm, type Verdict, verdict } from "./statistics.ts";

/** One figure, before and after: a value per process. */
export interface Pairing {
  readonly what: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface Judgement extends Comparison {
  readonly what: string;
  /** Corrected for the number of figures judged together. */
  readonly adjusted: number;
  readonly verdict: Verdict | "not measured";
}

/** A rank test of fewer is no test. */
const fewest = 5;

/** Judges all figures as one family. */
export function judge(pairings: readonly Pairing[]): readonly Judgement[] {
  const usable = pairings.map(({ before, after }) =>
    [before, after].every(
      (values) => values.length >= fewest && values.every((value) => value > 0 && Number.isFinite(value)),
    ),
  );
  const compared = pairings.map(({ before, after }, index) =>
    usable[index] === true ? compare(before, after) : { change: Number.NaN, p: 1, effect: Number.NaN },
  );
  const family = compared.filter((_, index) => usable[index]);
  const corrected = holm(family.map(({ p }) => p));
  let place = 0;
  return pairings.map(({ what }, index) => {
    const comparison = compared[index] ?? { change: Number.NaN, p: 1, effect: Number.NaN };
    if (usable[index] !== true) return { what, ...comparison, adjusted: 1, verdict: "not measured" };
    const adjusted = corrected[place++] ?? 1;
    return { what, ...comparison, adjusted, verdict: verdict(comparison.change, adjusted) };
  });
}

export function printJudgement(judgements: readonly Judgement[]): void {
  const width = Math.max(0, ...judgements.map(({ what }) => what.length));
  for (const { what, change, adjusted, effect, verdict } of judgements) {
    const percent = Number.isFinite(change) ? `${change > 0 ? "+" : ""}${(change * 100).toFixed(1)} %` : "–";
    const detail = `p = ${adjusted.toFixed(4)}  δ = ${effect.toFixed(2)}`;
    console.log(`${what.padEnd(width)}  ${percent.padStart(9)}  ${detail}  ${verdict}`);
  }
}
