import { type Bar, type Figures, figuresOf, measureBar, processesOf, standing } from "./bar.ts";
import { bars } from "./bars.ts";
import { differences } from "./machine.ts";
import { plainTable, table } from "./markdown.ts";
import { short } from "./print.ts";
import { quoted } from "./quoted.ts";
import { ablationSection, groupSections, naiveSection } from "./report-groups.ts";
import type { Machine, Metric, Results, TrialResult } from "./types.ts";

/** What people wrote about the figures; the figures themselves come from recorded results alone. */
export interface Notes {
  /** Paragraphs. `{cpu push-26 / flashwave}` stands for a measured figure. */
  readonly analysis: readonly string[];
  /** By bar id: what was tried where a bar or its goal is not met. */
  readonly tried: Readonly<Record<string, string>>;
}

export interface HistoryEntry {
  /** ISO date. */
  readonly date: string;
  readonly change: string;
  readonly impact: string;
}

/** BASELINE.md, from nothing but its arguments. */
export function render(results: Results, notes: Notes, history: readonly HistoryEntry[]): string {
  const of = figuresOf(results.trials);
  return `${[
    "# Baseline",
    intro(results),
    "## System configuration",
    configuration(results.machine),
    ...elsewhere(results),
    "## Bars",
    barsIntro,
    barTable(results.trials),
    shortfalls(results.trials, notes),
    "## The reference system's own figures",
    quotedIntro,
    quotedTable(of),
    ...groupSections(results.trials),
    ...naiveSection(results.trials),
    ...ablationSection(results.trials),
    "## Analysis",
    ...notes.analysis.map((paragraph) => fill(paragraph, of)),
    "## Optimisation history",
    plainTable([["date", "change", "impact"], ...history.map(({ date, change, impact }) => [date, change, impact])]),
    "## Method",
    method,
  ].join("\n\n")}\n`;
}

/** Fewer processes per peer than this tell little. */
const enoughProcesses = 10;

function intro({ trials, mode }: Results): string {
  const days = [...new Set(trials.map((trial) => trial.recordedAt.slice(0, 10)))].toSorted();
  const most = processesOf(trials);
  const fewest = Math.min(most, ...trials.map((trial) => processesOf([trial])));
  const processes = fewest === most ? `${most}` : `${fewest} to ${most}`;
  return [
    "Rendered from `bench/results/baseline.json` by `npm run bench:baseline`; do not edit.",
    `Recorded ${days.join(" to ")} (${mode}), ${processes} interleaved processes per peer. Figures are medians.`,
    "Absolute figures move between machines; ratios between peers of one trial hold, because the peers took turns.",
    ...(fewest < enoughProcesses
      ? [`\n\n**Provisional:** some trials have fewer than ${enoughProcesses} processes per peer.`]
      : []),
  ].join(" ");
}

function configuration(machine: Machine): string {
  return plainTable([
    ["part", "value"],
    ["processor", `${machine.cpu}, ${machine.cores} cores`],
    ["memory", `${machine.memoryGiB} GiB`],
    ["operating system", machine.os],
    ["Node", machine.node],
    ["undici", machine.undici],
    ["Go", machine.go || "not installed"],
    ["curl", machine.curl || "not installed"],
    [
      "cores",
      machine.pinned ? "client on core 0, server on core 1 (or both on core 0 where a trial says so)" : "not pinned",
    ],
  ]);
}

/** What other machines some trials were recorded on: their absolute figures are not to be set against the others'. */
function elsewhere({ machine, trials }: Results): readonly string[] {
  const others = Map.groupBy(
    trials.filter((trial) => trial.machine !== undefined),
    (trial) => differences(machine, trial.machine ?? machine).join("; "),
  );
  return [...others].map(
    ([different, group]) =>
      `Recorded on another machine (${different}): ${group.map(({ name }) => name).join(", ")}. Their ratios hold; their absolute figures are not to be set against the others'.`,
  );
}

const barsIntro =
  "Each bar is a ratio within one turn of the peers, or a figure that hardly depends on the machine: the median over turns, and their quartiles. `unsure`: the bar lies between these.";

const quotedIntro =
  "Quoted, not run side by side: what the authors of the reference system state, the best that its code reached on a machine like this one, and ours.";

function barTable(trials: readonly TrialResult[]): string {
  const rows = bars.map((bar) => {
    const measured = measureBar(bar, trials);
    const range = Number.isFinite(measured.value) ? `${measured.low.toFixed(2)}–${measured.high.toFixed(2)}` : "–";
    const few = measured.turns > 0 && measured.turns < enoughProcesses;
    const result = `${standing(bar, measured)}${few ? " (provisional)" : ""}`;
    return [bar.metric, mark(bar, bar.bar), mark(bar, bar.goal), amount(measured.value, bar.unit), range, result];
  });
  return table([["metric", "bar", "goal", "measured", "quartiles", "result"], ...rows]);
}

function mark(bar: Bar, value: number): string {
  return `${bar.bound === "at most" ? "≤" : "≥"} ${value}${bar.unit === "×" ? "×" : ` ${bar.unit}`}`.trimEnd();
}

function amount(value: number, unit: Bar["unit"]): string {
  if (!Number.isFinite(value)) return "–";
  return `${value.toFixed(2)}${unit === "×" ? "×" : ` ${unit}`}`.trimEnd();
}

function shortfalls(trials: readonly TrialResult[], notes: Notes): string {
  const words: Readonly<Record<string, string>> = {
    "not met": "bar not met",
    met: "goal not met",
    unsure: "chance decides whether the bar is met",
  };
  const of = figuresOf(trials);
  const rows = bars.flatMap((bar) => {
    const word = words[standing(bar, measureBar(bar, trials))];
    return word === undefined
      ? []
      : [`- ${bar.metric}: **${word}.** ${fill(notes.tried[bar.id] ?? "Nothing was tried yet.", of)}`];
  });
  if (rows.length === 0) return "Every goal that was measured is met.";
  return `Where a bar or a goal is not met, and what was tried:\n\n${rows.join("\n")}`;
}

function quotedTable(of: Figures): string {
  const time = (ms: number | undefined): string => (ms === undefined ? "–" : short(ms * 1e3, "us"));
  const rows = quoted.map(({ what, claimed, reached, measure }) => [
    what,
    time(claimed),
    time(reached),
    time(measure(of)),
    `${short(reached / measure(of))}×`,
  ]);
  return table([["operation", "stated", "reached", "flashwave", "reached ÷ flashwave"], ...rows]);
}

/** Puts measured figures in the place of `{metric trial / peer}`. */
export function fill(text: string, of: Figures): string {
  return text.replace(/\{(\w+) ([\w-]+) \/ ([^}]+)\}/g, (_, metric: Metric, trial: string, peer: string) =>
    short(of(trial, peer, metric), metric === "wall" || metric === "cpu" ? "us" : "bytes"),
  );
}

const method = [
  "- Every peer runs in a process of its own, held to one core; the server runs in another, on another core, and does as little as a server can.",
  "- Peers take turns, every second round in the opposite order. Each is warmed up first, unless a trial is about a fresh process.",
  "- CPU is user and system time of the whole process, all threads. Heap bytes are what V8 allocated; memory outside its heap counts as resident memory only.",
  "- All peers send the same request: the same headers, the same bytes.",
  "- `±` is half the distance between the quartiles, relative to the median.",
  "- `npm run bench:compare` judges a change: Mann–Whitney on per-process medians, Holm-corrected; `~` where p ≥ 0.05 or the change is below 3 %.",
].join("\n");
