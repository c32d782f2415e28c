import { expect, it } from "vitest";
import { type ArtifactRef, type DeviceState, type Evidence, FlashwaveError, type Receipt } from "../core/index.ts";
import { Report } from "./report.ts";
import { lineOf, type Result, Tally } from "./results.ts";

const artifact: ArtifactRef = { name: "fw.bin", version: "2.0.0", length: 10_000_000, digest: "ab" };
const base = { device: "pos-1", artifact, attempts: 2, duration: 1_234 };
const state: DeviceState = { version: "2.0.0", slot: "B", uptime: 61, identity: "tls", readAt: 0 };
const receipt: Receipt = {
  device: "pos-1",
  origin: "http://10.0.0.1",
  delivery: "http",
  artifact,
  attemptId: "a",
  attempts: 2,
  bytes: 10_000_000,
  status: 200,
  acknowledgedBy: "reply",
  early: false,
  activated: true,
  startedAt: 0,
  endedAt: 1,
};
const evidence: Evidence = {
  device: "pos-1",
  proved: "digest",
  version: "2.0.0",
  newBoot: "seen",
  health: "ok",
  identity: "tls",
  reads: 3,
  firstSeenAt: 0,
  lastSeenAt: 1,
};
const error = new FlashwaveError("refused", "It answered \u001b[2J413.", { phase: "send" });

const table: readonly (readonly [Result, string])[] = [
  [
    { status: "updated", ...base, receipt, evidence },
    "runs 2.0.0, proved by digest, new boot, healthy (2 attempts, 1.2 s)",
  ],
  [{ status: "sent", ...base, receipt }, "10.0 MB acknowledged, nothing proven (2 attempts, 1.2 s)"],
  [
    { status: "staged", ...base, receipt },
    "10.0 MB staged, not installed yet; restart it to install, then verify (2 attempts, 1.2 s)",
  ],
  [
    { status: "staged", ...base, receipt: { ...receipt, delivery: "redfish" } },
    "10.0 MB staged, not installed yet; restart it to install, or have that done with --option reset=manager (or system), then verify (2 attempts, 1.2 s)",
  ],
  [{ status: "skipped", ...base, reason: "already-running", state }, "already runs 2.0.0"],
  [{ status: "failed", ...base, error }, "refused: It answered [2J413."],
  [{ status: "unknown", ...base, error }, "refused: It answered [2J413."],
  [{ status: "read", device: "pos-1", duration: 1, state }, "runs 2.0.0, slot B, up 61.0 s, known by tls"],
  [
    {
      status: "verified",
      device: "pos-1",
      duration: 900,
      artifact,
      evidence: { ...evidence, proved: "version", newBoot: "not-checked", health: "not-checked" },
    },
    "runs 2.0.0, proved by version, boot not checked, health not checked (3 reads, 900 ms)",
  ],
];

it.each(table)("$0.status on one line", (result, facts) =>
  expect(lineOf(result, 7)).toBe(`pos-1    ${result.status.padEnd(8)}  ${facts}`),
);

it("strips what an id could do to a terminal", () =>
  expect(lineOf({ status: "read", device: "a\u001b]0;x\u0007\u202eb", duration: 1, state })).toMatch(
    /^a\]0;xb {2}read/,
  ));

it("counts by status and remembers who is unknown", () => {
  const tally = new Tally();
  for (const status of ["updated", "unknown", "updated"] as const) tally.add({ device: `d-${status}`, status });
  expect([tally.total, String(tally), tally.unknown]).toEqual([3, "2 updated, 1 unknown", ["d-unknown"]]);
});

function reported(json: boolean, results: readonly Result[]) {
  const lines: string[] = [];
  const report = new Report({ json, print: (line) => lines.push(line), idWidth: 5 });
  for (const result of results) report.add(result);
  report.end(2_000);
  return { lines, exitCode: report.exitCode };
}

it("ends with the sum and the unknown by name", () => {
  const unknown: Result = { status: "unknown", ...base, device: "pos-\u001b2", error };
  const { lines, exitCode } = reported(false, [{ status: "failed", ...base, error }, unknown]);
  expect(lines.slice(2)).toEqual([
    "2 devices in 2.0 s: 1 failed, 1 unknown.",
    "Unknown, to be read before anything is sent again: pos-2",
  ]);
  expect(exitCode).toBe(4);
});

it("prints one JSON document per result and nothing else, errors by their own toJSON", () => {
  const { lines } = reported(true, [
    { status: "failed", ...base, error },
    { status: "read", device: "b", duration: 1, state },
  ]);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      status: "failed",
      ...base,
      error: { code: "refused", phase: "send", message: error.message, retryable: false, bytesOut: "none" },
    },
    { status: "read", device: "b", duration: 1, state },
  ]);
});
