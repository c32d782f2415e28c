import type { ClientEvent } from "../../core/index.ts";
import { formatBytes, formatMs, printable } from "../text.ts";
import type { Row, Snapshot } from "./board.ts";

const barWidth = 24;

/** What the live view shows: one line of sums, then the devices under way, as many as fit. Pure. */
export function frameOf(seen: Snapshot, lines: number): string[] {
  const { rows, tally, devices } = seen;
  const shown = rows.length > lines ? rows.slice(0, lines - 1) : rows;
  const width = Math.min(32, Math.max(0, ...shown.map(({ device }) => printable(device).length)));
  const more = rows.length - shown.length;
  return [
    `[${bar(devices === 0 ? 1 : tally.total / devices)}] ${sumOf(seen)}`,
    ...shown.map((row) => rowOf(row, width)),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

/** The sums alone: what stands in a log from time to time. */
export function sumOf({ tally, devices, rows, bytes, rate, elapsed }: Snapshot): string {
  const parts = [`${tally.total}/${devices} ended`, String(tally), `${rows.length} under way`];
  if (bytes > 0) parts.push(`${formatBytes(bytes)} sent`, `${formatBytes(rate)}/s`);
  return [...parts, formatMs(elapsed)].filter((part) => part !== "").join(", ");
}

function rowOf({ device, doing, attempt, sent, total, note }: Row, width: number): string {
  const id = printable(device).slice(0, width).padEnd(width);
  const amount = doing === "sending" && total > 0 ? `${bar(sent / total)} ${percent(sent, total)}` : "";
  const again = attempt > 1 ? `attempt ${attempt}` : "";
  return `  ${[id, doing.padEnd(10), amount, printable(note), again].filter((part) => part !== "").join("  ")}`;
}

/** A share of one as a bar. */
export function bar(share: number): string {
  const full = Math.floor(Math.min(1, share) * barWidth);
  return "#".repeat(full).padEnd(barWidth, "-");
}

function percent(part: number, whole: number): string {
  return `${String(Math.floor((part / whole) * 100)).padStart(3)} %`;
}

/** What is worth a line of its own where nothing is redrawn: an attempt that failed, and what is done about it. */
export function noteOf(event: ClientEvent): string | undefined {
  if (event.type !== "attempt-failed") return undefined;
  const { device, attempt, error, next, delay } = event;
  const then = {
    retry: `trying again in ${formatMs(delay)}`,
    read: "reading the device before anything else",
    "give-up": "not trying again",
  }[next];
  return printable(`${device}: attempt ${attempt} ended with ${error.code}, ${then}`);
}
