import { figure, median, spread } from "./statistics.ts";
import type { Figure, PeerResult, TrialResult } from "./types.ts";

/** The median figure of a peer, NaN where it was not measured. */
export function medianOf(peer: PeerResult | undefined, metric: Figure): number {
  return median((peer?.samples ?? []).map((sample) => figure(sample, metric)));
}

/** A number with three significant digits and a unit that keeps it short. */
export function short(value: number, unit: "" | "us" | "bytes" = ""): string {
  if (!Number.isFinite(value)) return "–";
  if (unit === "us" && Math.abs(value) >= 1e6) return `${digits(value / 1e6)} s`;
  if (unit === "us" && Math.abs(value) >= 1e3) return `${digits(value / 1e3)} ms`;
  if (unit === "us" && Math.abs(value) < 0.1) return `${digits(value * 1e3)} ns`;
  if (unit === "us") return `${digits(value)} µs`;
  if (unit === "bytes" && Math.abs(value) >= 1e6) return `${digits(value / 1e6)} MB`;
  if (unit === "bytes" && Math.abs(value) >= 1e3) return `${digits(value / 1e3)} KB`;
  if (unit === "bytes") return `${digits(value)} B`;
  return digits(value);
}

function digits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(magnitude >= 10 ? 1 : 2);
}

/** One trial as rows for people: the table that both the terminal and the report show. */
export function rowsOf(trial: TrialResult): readonly (readonly string[])[] {
  const reference = trial.peers.find((peer) => peer.name === trial.reference);
  const base = medianOf(reference, trial.judgedBy);
  const memory = trial.peers.some((peer) => peer.samples.some((sample) => sample.rssPeak !== 0));
  const counts = countsOf(trial);
  const head = [
    "peer",
    "wall/op",
    "ops/s",
    "CPU/op",
    "heap/op",
    ...(memory ? ["RSS peak +", "RSS held/op"] : []),
    ...counts,
  ];
  const rows = trial.peers.map((peer) => {
    if (peer.samples.length === 0) return [peer.name, peer.skipped ?? "not measured"];
    const wall = medianOf(peer, "wall");
    const own = peer.samples.map((sample) => figure(sample, trial.judgedBy));
    const heap = peer.name === "curl" ? Number.NaN : medianOf(peer, "heap");
    return [
      peer.name,
      short(wall, "us"),
      short(1e6 / wall),
      short(medianOf(peer, "cpu"), "us"),
      short(heap, "bytes"),
      ...(memory ? [short(medianOf(peer, "rssPeak"), "bytes"), short(medianOf(peer, "rssHeld"), "bytes")] : []),
      ...counts.map((name) => count(worst(peer, name))),
      `${short(median(own) / base)} ±${Math.round(spread(own) * 100)} %`,
    ];
  });
  return [[...head, `${trial.judgedBy} ÷ ${trial.reference}`], ...rows];
}

/** The names of all counts that any peer told, in the order in which they were told. */
function countsOf(trial: TrialResult): readonly string[] {
  const samples = trial.peers.flatMap((peer) => peer.samples);
  return [...new Set(samples.flatMap(({ counts }) => Object.keys(counts ?? {})))];
}

/** The highest of all rounds: no error is averaged away. */
function worst(peer: PeerResult, name: string): number {
  const told = peer.samples.map((sample) => figure(sample, `count ${name}`)).filter(Number.isFinite);
  return told.length === 0 ? Number.NaN : Math.max(...told);
}

const count = (value: number): string => (Number.isInteger(value) ? value.toLocaleString("en") : short(value));

export function printTrial(trial: TrialResult): void {
  const rows = rowsOf(trial);
  const measured = rows.filter((row) => row.length > 2);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...measured.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${trial.group} / ${trial.name}: ${trial.about}`);
  for (const row of rows) {
    console.log(
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    );
  }
}
