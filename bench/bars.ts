import { medianOf } from "./print.ts";
import { quotedStore } from "./quoted.ts";
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
const speed = (of: Figures, trial: string, a: string, b: string): number => of(trial, b, "wall") / of(trial, a, "wall");
const cpu = (of: Figures, trial: string, a: string, b: string): number => of(trial, a, "cpu") / of(trial, b, "cpu");

const atMost = (
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
const atLeast = (id: string, metric: string, bar: number, goal: number, measure: Bar["measure"]): Bar => ({
  id,
  metric,
  bar,
  goal,
  bound: "at least",
  unit: "×",
  measure,
});

/** What must not happen at all, in no turn. */
const none = (id: string, metric: string, measure: Bar["measure"]): Bar => ({
  ...atMost(id, metric, 0, 0, "", measure),
  worst: true,
});

export const bars: readonly Bar[] = [
  atMost("push-cpu", "`client.push`: CPU ÷ undici.request, 64 in flight, 200 devices", 0.6, 0.5, "×", (of) =>
    cpu(of, "push-26", "flashwave", "undici.request"),
  ),
  atMost("inspect-cpu", "`client.inspect`: CPU ÷ undici.request, 64 in flight, 200 devices", 0.6, 0.5, "×", (of) =>
    cpu(of, "inspect", "flashwave", "undici.request"),
  ),
  atLeast("push-go", "`client.push`: requests/s ÷ Go net/http, same", 1.1, 1.4, (of) =>
    speed(of, "push-26", "flashwave", "Go net/http"),
  ),
  atMost(
    "alone-go",
    "`client.push` one at a time, all on one core: wall ÷ Go net/http",
    1,
    0.85,
    "×",
    (of) => 1 / speed(of, "push-22-alone", "flashwave", "Go net/http"),
  ),
  atMost("push-heap", "heap bytes per `client.push`", 7.5, 6.6, "KB", (of) => of("push-26", "flashwave", "heap") / 1e3),
  atMost("push-dispatch", "`client.push` ÷ bare Client.dispatch, CPU, same request", 1.35, 1.15, "×", (of) =>
    cpu(of, "push-26", "flashwave", "Client.dispatch"),
  ),
  atMost(
    "inspect-push",
    "`client.inspect` ÷ `client.push`, CPU",
    1.3,
    1.3,
    "×",
    (of) => of("inspect", "flashwave", "cpu") / of("push-26", "flashwave", "cpu"),
  ),
  atMost(
    "inspect-heap",
    "heap bytes per `client.inspect`",
    10,
    10,
    "KB",
    (of) => of("inspect", "flashwave", "heap") / 1e3,
  ),
  atMost(
    "registry",
    "a registry lookup by id and a resolved profile added to a push, CPU",
    15,
    8,
    "µs",
    (of) => of("registry", "push(id)", "cpu") - of("registry", "push(device)", "cpu"),
  ),
  atLeast("memory-net", "10 MiB from memory ÷ raw net, throughput", 0.85, 0.95, (of) =>
    speed(of, "10mb", "flashwave memory", "raw node:net"),
  ),
  atLeast(
    "file-net",
    "10 MiB file, resident (loaded and checked once at open) ÷ raw net, throughput",
    0.75,
    0.9,
    (of) => speed(of, "10mb", "flashwave file", "raw node:net"),
  ),
  atLeast("ring-go", "10 MiB file ring, unchecked (ablation) ÷ Go io.Copy, throughput", 0.7, 1, (of) =>
    speed(of, "10mb", "ring unchecked", "Go io.Copy"),
  ),
  atLeast("ring-sha256", "10 MiB file ring, checked ÷ SHA-256's own speed", 0.7, 0.85, (of) =>
    speed(of, "10mb", "flashwave ring", "sha256"),
  ),
  atLeast("ring-stream", "10 MiB file ring, checked ÷ createReadStream + running hash, throughput", 1.5, 2, (of) =>
    speed(of, "10mb", "flashwave ring", "request stream+hash"),
  ),
  atMost(
    "rss-1gb",
    "growth of resident memory, first push of a 1 GiB file",
    16,
    8,
    "MB",
    (of) => of("memory-1024mb", "flashwave ring", "rssPeak") / 1e6,
  ),
  ...(["tus", "swupdate", "redfish", "web upload", "shelly"] as const).map((adapter) =>
    atLeast(`adapter-${adapter}`, `64 MiB through ${adapter} ÷ through generic HTTP, throughput`, 0.9, 1, (of) =>
      speed(of, "adapters", adapter, "http"),
    ),
  ),
  atLeast("fan-out", "10 MiB to 100 devices ÷ createReadStream + hash each, throughput", 4, 7, (of) =>
    speed(of, "fan-out", "flashwave file", "request stream+hash"),
  ),
  ...quotedStore.map(({ trial, what, reached }) =>
    atLeast(
      `store-${trial}`,
      `SQLite, ${what}: what the reference reached ÷ ours`,
      1,
      3,
      (of) => reached / of(trial, "sqlite", "wall"),
    ),
  ),
  // Who reads more profiles than are remembered, or follows changes, to whom every row is new.
  ...quotedStore
    .filter(({ trial }) => !trial.startsWith("concurrent-"))
    .map(({ trial, what, reached }) =>
      atLeast(
        `store-${trial}-anew`,
        `SQLite with nothing remembered, ${what}: what the reference reached ÷ ours`,
        1,
        3,
        (of) => reached / of(trial, "sqlite anew", "wall"),
      ),
    ),
  ...(["sqlite", "postgres"] as const).flatMap((store): readonly Bar[] => [
    {
      id: `clients-${store}`,
      metric: `50 clients on ${store} for 10 s, operations of one fleet`,
      bar: 1,
      goal: 3,
      bound: "at least",
      unit: "k/s",
      measure: (of) => 1e3 / of("clients-50", store, "wall"),
    },
    none(
      `clients-errors-${store}`,
      `50 clients on ${store} for 10 s: errors and violations of integrity`,
      (of) => of("clients-50", store, "count errors") + of("clients-50", store, "count violations"),
    ),
  ]),
  none(
    "store-busy",
    "four readers of one SQLite file that a fifth writes to: errors",
    (of) =>
      of("snapshots-beside-writer", "sqlite", "count errors") + of("changes-beside-writer", "sqlite", "count errors"),
  ),
  ...(["sqlite", "postgres"] as const).map((store) =>
    atMost(
      `import-rss-${store}`,
      `growth of resident memory, 100,000 devices into ${store} ÷ 10,000`,
      2,
      1.5,
      "×",
      (of) => of("import-100k", store, "rssPeak") / of("import-10k", store, "rssPeak"),
    ),
  ),
  // What the ratio of resident memory cannot tell apart: what is ours, and how far V8 has widened its young generation.
  ...(["sqlite", "postgres"] as const).flatMap((store): readonly Bar[] => [
    atMost(
      `import-own-${store}`,
      `growth of anonymous memory beside V8's young generation, 400,000 devices into ${store} ÷ 100,000`,
      2,
      1.5,
      "×",
      (of) => of("import-400k", store, "count own peak +") / of("import-100k", store, "count own peak +"),
    ),
    atMost(
      `import-peak-${store}`,
      `growth of resident memory, 400,000 devices into ${store}`,
      96,
      64,
      "MB",
      (of) => of("import-400k", store, "rssPeak") / 1e6,
    ),
  ]),
  atMost(
    "idle-rss",
    "resident memory per idle device, 10,000 connections kept",
    14,
    10,
    "KB",
    (of) => of("idle-devices", "flashwave", "rssHeld") / 1e3,
  ),
];

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
