import { table } from "./markdown.ts";
import { medianOf, rowsOf, short } from "./print.ts";
import { byProcess, compare, holm, verdict } from "./statistics.ts";
import type { Metric, TrialResult } from "./types.ts";

const titles: Readonly<Record<string, string>> = {
  small: "Small requests",
  large: "Large pushes",
  memory: "Memory while streaming",
  "fan-out": "One artifact, many devices",
  fleet: "Idle devices",
  load: "Load",
  adapters: "Adapters",
  registry: "Registry",
  store: "Stores",
};

/** A section per group of trials, in the order of the trials; ablations have a form of their own. */
export function groupSections(trials: readonly TrialResult[]): readonly string[] {
  const groups = new Set(trials.map((trial) => trial.group).filter((group) => group !== "ablations"));
  return [...groups].flatMap((group) => [
    `## ${titles[group] ?? group}`,
    ...trials.filter((trial) => trial.group === group).flatMap(trialSection),
  ]);
}

function trialSection(trial: TrialResult): readonly string[] {
  const legend = trial.peers.map((peer) => `*${peer.name}*: ${peer.about}`).join("; ");
  return [`### ${trial.name}`, trial.about, table(rowsOf(trial)), `${legend}.`];
}

/** The store's questions asked the way one first writes them, and ours. */
export function naiveSection(trials: readonly TrialResult[]): readonly string[] {
  const rows = trials.flatMap((trial) => {
    const [naive, ours] = ["naive", "sqlite"].map((name) => trial.peers.find((peer) => peer.name === name));
    if (naive === undefined || ours === undefined) return [];
    const of = (metric: Metric): readonly string[] => {
      const [before, after] = [medianOf(naive, metric), medianOf(ours, metric)];
      const unit = metric === "wall" ? "us" : "bytes";
      return [short(before, unit), short(after, unit), `${((1 - after / before) * 100).toFixed(1)} %`];
    };
    return [[trial.name, ...of("wall"), ...of("heap")]];
  });
  if (rows.length === 0) return [];
  return [
    "## What the store's design gains",
    "The same questions with no index, each statement prepared when it is asked, a statement per row and one for its headers, on the same engine in the same turns. The reference system's authors project 50–90 % less time and 40–60 % less memory, unmeasured. Heap is what V8 allocated. The ablations below take the parts one by one.",
    table([["question", "naive", "ours", "less time", "naive heap", "our heap", "less heap"], ...rows]),
  ];
}

/** Each optimisation with and without: what leaving it out costs, and whether that is more than chance. */
export function ablationSection(trials: readonly TrialResult[]): readonly string[] {
  const ablations = trials.filter((trial) => trial.group === "ablations");
  if (ablations.length === 0) return [];
  const judged = ablations.flatMap((trial) => {
    const [on, ...offs] = trial.peers;
    if (on === undefined) return [];
    const figures = byProcess(on, trial.judgedBy);
    return offs.map((off) => ({ trial, off, ...compare(figures, byProcess(off, trial.judgedBy)) }));
  });
  const adjusted = holm(judged.map(({ p }) => p));
  const rows = judged.map(({ trial, off, change, effect }, index) => {
    const p = adjusted[index] ?? 1;
    const result = { worse: "gains", better: "**costs**", "~": "no gain shown" }[verdict(change, p)];
    const percent = `${change >= 0 ? "+" : "−"}${Math.abs(change * 100).toFixed(Math.abs(change) < 0.1 ? 1 : 0)} %`;
    return [
      trial.name,
      off.about,
      `${trial.judgedBy} ${percent}`,
      p < 0.001 ? "< 0.001" : p.toFixed(3),
      effect.toFixed(2),
      result,
    ];
  });
  return [
    "## Ablations",
    "Each optimisation on, as the product has it, and off. The change is what leaving it out does to the figure the trial is judged by; the verdict speaks of the optimisation.",
    table([["optimisation", "off is", "off against on", "p (Holm)", "Cliff's δ", "the optimisation"], ...rows]),
    ...ablations.flatMap(trialSection),
  ];
}
