import type { ArtifactRef, TransportStatistics } from "../../core/index.ts";
import { evidenceText } from "../results.ts";
import { counted, formatBytes, formatMs, printable } from "../text.ts";
import { contradictions, deviation, type Finding, type Records } from "./findings.ts";
import type { Recorded } from "./recorded.ts";
import type { Witness } from "./witness.ts";

export interface Numbers {
  readonly artifact: ArtifactRef;
  readonly transport: TransportStatistics;
  /** Milliseconds during which anything was being sent, and in all. */
  readonly sendingMs: number;
  readonly elapsed: number;
}

/** What was proven, computed from the outcomes, the devices' own record and the registry alone. */
export function summaryOf(findings: readonly Finding[], records: Records, numbers: Numbers): string[] {
  const updated = findings.filter(({ outcome }) => outcome.status === "updated");
  const others = findings.filter(({ outcome }) => outcome.status !== "updated");
  const lines = [
    "",
    `Updated: ${updated.length} of ${findings.length}`,
    ...evidenceLines(updated),
    ...updated.filter(({ faults }) => faults.length > 0).flatMap(storyOf),
    "",
    `Not updated, and not called so: ${others.length}`,
    ...others.flatMap(storyOf),
    "",
    ...witnessLines(findings, records.witness, numbers),
    "",
    ...recordedLines(records.recorded, numbers.artifact.version),
    "",
    ...verdictLines(findings, records),
  ];
  return lines.map(printable);
}

export function asPlanned(findings: readonly Finding[], records: Records): boolean {
  return (
    findings.every((finding) => deviation(finding) === undefined) && contradictions(findings, records).length === 0
  );
}

/** Like evidence counted together: `14 devices: runs 2.0.0, proved by digest, …`. */
function evidenceLines(findings: readonly Finding[]): string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of findings) {
    if (outcome.status !== "updated") continue;
    const text = evidenceText(outcome.evidence);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `  ${counted(count, "device")}: ${text}`);
}

function storyOf({ part, outcome, faults }: Finding): string[] {
  const code = "error" in outcome ? ` ${outcome.error.code}` : "";
  const lines = [`  ${outcome.device}  ${outcome.status}${code}: a device that ${part.does}`];
  if (outcome.status === "updated") lines.push(`      after ${faults.join(", ")}, at attempt ${outcome.attempts}`);
  if ("error" in outcome) lines.push(`      ${outcome.error.message}`);
  return lines;
}

function witnessLines(findings: readonly Finding[], witness: Witness, numbers: Numbers): string[] {
  const { artifact, transport, sendingMs, elapsed } = numbers;
  const rate = (witness.bytes / Math.max(1, sendingMs)) * 1_000;
  const called = findings.filter(({ outcome }) => outcome.status === "updated").map(({ outcome }) => outcome.device);
  const confirmed = called.filter((device) => witness.running.has(device)).length;
  return [
    "The devices' own record",
    `  artifact sha256 ${artifact.digest}`,
    `  ${counted(witness.whole, "image")} received whole, ${witness.right} with this digest, ${witness.whole - witness.right} with another; ${witness.broken} broken off`,
    `  ${confirmed} of the ${called.length} called updated run ${artifact.version} with this digest`,
    `  ${formatBytes(witness.bytes)} received, ${formatBytes(rate)}/s while anything was being sent, ${formatMs(elapsed)} in all`,
    `  ${counted(witness.connections, "connection")} accepted; on this side ${transport.opened} opened, used again ${transport.reused} times, ${transport.failed} failed`,
  ];
}

function recordedLines({ devices, proven, versions, unseen }: Recorded, version: string): string[] {
  const seen = [...versions].map(([seenVersion, count]) => `${count} at ${seenVersion}`);
  return [
    "The registry's record",
    `  ${counted(devices, "device")}: last seen ${[...seen, `${unseen.length} never`].join(", ")}`,
    `  evidence that they run ${version} is kept of ${proven.size}`,
  ];
}

function verdictLines(findings: readonly Finding[], records: Records): string[] {
  const deviations = findings.map(deviation).filter((line) => line !== undefined);
  return [
    `As planned: ${findings.length - deviations.length} of ${findings.length} devices`,
    ...deviations.map((line) => `  not as planned: ${line}`),
    ...contradictions(findings, records).map((line) => `  contradiction: ${line}`),
  ];
}
