import { expect, it } from "vitest";
import type { Report, ReportBody, ReportKind } from "../../core/index.ts";
import { reportLines } from "./report-lines.ts";

const at = Date.UTC(2026, 10, 30, 12);
const report = (kind: ReportKind, body?: ReportBody, more: Partial<Report> = {}): Report => ({
  ...{ id: "1", device: "a", kind, at, receivedAt: at },
  ...(body !== undefined && { body }),
  ...more,
});
const artifact = { name: "fw.bin", version: "2.4.0", length: 1, digest: "00" };
const effort = { artifact, attempts: 2, duration: 1_500 };

it.each<[string, Report, readonly string[]]>([
  [
    "a delivery that was proven",
    report("delivery", { status: "updated", ...effort, evidence: { version: "2.4.0", proved: "digest" } }),
    ["delivery  updated: fw.bin 2.4.0, 2 attempts, 1.5 s", "    runs 2.4.0, proved by digest"],
  ],
  [
    "one that failed, with all of its sentence",
    report("delivery", { status: "failed", ...effort, error: { code: "refused", message: "x".repeat(300) } }),
    ["delivery  failed: fw.bin 2.4.0, 2 attempts, 1.5 s", `    refused: ${"x".repeat(300)}`],
  ],
  [
    "one that was only sent",
    report("delivery", { status: "sent", ...effort, receipt: { bytes: 300_000 } }),
    ["delivery  sent: fw.bin 2.4.0, 2 attempts, 1.5 s", "    300 kB acknowledged"],
  ],
  [
    "a heartbeat",
    report("heartbeat", undefined, { status: "online", firmware: "2.4.0" }),
    ["heartbeat  online, runs 2.4.0"],
  ],
  ["a log", report("log", "one\ntwo"), ["log", "    one", "    two"]],
  [
    "telemetry",
    report("telemetry", { load: 0.5, disk: { free: 12, parts: ["a", null] }, none: {} }),
    [
      "telemetry",
      "    load: 0.5",
      "    disk.free: 12",
      "    disk.parts.0: a",
      "    disk.parts.1: null",
      "    none: {}",
    ],
  ],
])("tells %s", (_, told, [first, ...below]) =>
  expect(reportLines(told)).toEqual([`2026-11-30T12:00:00Z  ${first}`, ...below]),
);

it.each<ReportBody>([null, 7, [], { status: 7 }, { status: "updated", artifact: [], error: null, evidence: 1 }])(
  "takes a delivery of any shape: %j",
  (body) => expect(reportLines(report("delivery", body)).join("")).not.toContain("undefined"),
);

it("keeps to its lines, and within a terminal's", () => {
  const lines = reportLines(report("log", `${"\u001b[2J\n".repeat(100)}${"x".repeat(9_000)}`));
  expect(lines).toHaveLength(14);
  expect(lines.at(-1)).toContain("--json");
  expect(lines.join("")).not.toContain("\u001b");
  expect(reportLines(report("log", "x".repeat(9_000))).at(1)?.length).toBeLessThan(410);
});
