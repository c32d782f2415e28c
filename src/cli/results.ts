import type { ArtifactRef, DeviceOutcome, DeviceState, Evidence, FlashwaveError, Receipt } from "../core/index.ts";
import { counted, formatBytes, formatMs, printable } from "./text.ts";

/** How one device's command ended: an outcome of `update` and `push`, or that of `verify` and `inspect`. */
export type Result = Told<DeviceOutcome> | Verified | Read | Missed;

/** Without its record, which is written to a file of its own where somebody asked for it. */
type Told<Outcome> = Outcome extends unknown ? Omit<Outcome, "record"> : never;

interface Timed {
  readonly device: string;
  /** Milliseconds. */
  readonly duration: number;
}

export interface Verified extends Timed {
  readonly status: "verified";
  readonly artifact: ArtifactRef;
  readonly evidence: Evidence;
}

export interface Read extends Timed {
  readonly status: "read";
  readonly state: DeviceState;
}

export interface Missed extends Timed {
  readonly status: "failed" | "unknown";
  readonly error: FlashwaveError;
}

/** One result as one line for people. */
export function lineOf(result: Result, idWidth = 0): string {
  const line = `${printable(result.device).padEnd(idWidth)}  ${result.status.padEnd(8)}  ${factsOf(result)}`;
  return printable(line);
}

function factsOf(result: Result): string {
  switch (result.status) {
    case "updated":
      return `${evidenceText(result.evidence)} (${effortText(result)})`;
    case "verified":
      return `${evidenceText(result.evidence)} (${counted(result.evidence.reads, "read")}, ${formatMs(result.duration)})`;
    case "sent":
      return `${formatBytes(result.receipt.bytes)} acknowledged, nothing proven (${effortText(result)})`;
    case "staged":
      return `${formatBytes(result.receipt.bytes)} staged, not installed yet; ${laterText(result.receipt)} (${effortText(result)})`;
    case "skipped":
      return `already runs ${result.state.version}`;
    case "read":
      return stateText(result.state);
    case "failed":
    case "unknown":
      return `${result.error.code}: ${result.error.message}`;
    default:
      return result satisfies never;
  }
}

/** What was seen, in the order of its weight. */
export function evidenceText({ version, proved, newBoot, health }: Evidence): string {
  const boot = {
    seen: "new boot",
    unclear: "boot unclear",
    "not-reported": "boots not reported",
    "not-checked": "boot not checked",
  }[newBoot];
  const well = health === "ok" ? "healthy" : "health not checked";
  return `runs ${version || "it"}, proved by ${proved}, ${boot}, ${well}`;
}

function stateText({ version, slot, bootId, uptime, identity }: DeviceState): string {
  const more = [
    slot && `slot ${slot}`,
    bootId && `boot ${bootId}`,
    uptime !== undefined && `up ${formatMs(uptime * 1_000)}`,
    `known by ${identity}`,
  ];
  return `runs ${version}, ${more.filter(Boolean).join(", ")}`;
}

/** What has a staged artifact installed. */
function laterText({ delivery }: Receipt): string {
  const order = delivery === "redfish" ? ", or have that done with --option reset=manager (or system)" : "";
  return `restart it to install${order}, then verify`;
}

function effortText({ attempts, duration }: { readonly attempts: number; readonly duration: number }): string {
  return `${counted(attempts, "attempt")}, ${formatMs(duration)}`;
}

/** How many results of each status, in the order in which statuses first occurred, and who is unknown. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly unknown: string[] = [];
  total = 0;

  add({ device, status }: Pick<Result, "device" | "status">): void {
    this.total++;
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
    if (status === "unknown") this.unknown.push(device);
  }

  /** `16 updated, 2 failed`. */
  toString(): string {
    return [...this.#counts].map(([status, count]) => `${count} ${status}`).join(", ");
  }
}
