import { expect, it } from "vitest";
import { type DeliveryRecord, type DeviceOutcome, FlashwaveError, type FlashwaveErrorCode } from "../../core/index.ts";
import { contradictions, deviation, Faults, type Finding, type Records } from "./findings.ts";
import { cast, type Part, peculiar } from "./plan.ts";
import type { Recorded } from "./recorded.ts";
import { asPlanned, summaryOf } from "./summary.ts";
import type { Witness } from "./witness.ts";

const artifact = { name: "demo.bin", version: "2.0.0", length: 10, digest: "d16e57" };
const base = { artifact, attempts: 1, duration: 1, record: {} as DeliveryRecord };
const recorded: Recorded = { devices: 2, proven: new Set(["a"]), versions: new Map([["2.0.0", 1]]), unseen: ["c"] };
const witness: Witness = { running: new Set(["a"]), whole: 1, right: 1, broken: 0, bytes: 10, connections: 2 };
const records: Records = { witness, recorded };
const numbers = {
  artifact,
  transport: { connections: 0, inFlight: 0, opened: 2, reused: 3, evicted: 0, failed: 1 },
  sendingMs: 1,
  elapsed: 5,
};

function failed(device: string, code: FlashwaveErrorCode, part: Part): Finding {
  const error = new FlashwaveError(code, `Because of ${code}.`, { phase: "send" });
  return { part, outcome: { status: "failed", device, ...base, error }, faults: [] };
}

/** As far as the demonstration looks at it. */
const updated = (device: string, faults: readonly FlashwaveErrorCode[] = []): Finding => ({
  part: { does: "does well", expects: { status: "updated", faults } },
  outcome: {
    status: "updated",
    device,
    ...base,
    evidence: { version: "2.0.0", proved: "digest", newBoot: "seen", health: "ok" },
  } as DeviceOutcome,
  faults,
});

const refusing: Part = { does: "refuses", expects: { status: "failed", code: "refused" } };

it("finds every way in which a device can come out otherwise than planned", () => {
  expect(deviation(failed("a", "refused", refusing))).toBeUndefined();
  expect(deviation(failed("a", "unhealthy", refusing))).toContain("planned failed refused, found failed unhealthy");
  expect(deviation({ ...updated("a"), part: refusing })).toContain("found updated");
  expect(deviation({ ...updated("a"), faults: ["connection_lost"] })).toContain("found updated connection_lost");
});

it("believes the devices' record and not the claim", () => {
  expect(contradictions([updated("a")], records)).toEqual([]);
  expect(contradictions([updated("b")], records)).toEqual([
    "b was called updated, but does not run the artifact",
    "b ended updated, but the registry has no evidence of it",
  ]);
  expect(contradictions([failed("a", "refused", refusing)], records)).toEqual([
    "a ended failed, but the registry has evidence of it",
  ]);
  expect(contradictions([updated("a")], { ...records, witness: { ...witness, right: 0 } })).toEqual([
    "1 received images are not the artifact's bytes",
  ]);
  expect(asPlanned([updated("a")], records)).toBe(true);
  expect(asPlanned([updated("b")], records)).toBe(false);
  expect(asPlanned([failed("a", "unhealthy", refusing)], records)).toBe(false);
});

it("sums up from what was found, with code, sentence and digests", () => {
  const text = summaryOf([updated("a", ["connection_lost"]), failed("c", "refused", refusing)], records, numbers).join(
    "\n",
  );
  for (const part of [
    "Updated: 1 of 2",
    "1 device: runs 2.0.0, proved by digest, new boot, healthy",
    "after connection_lost, at attempt 1",
    "c  failed refused: a device that refuses",
    "Because of refused.",
    "artifact sha256 d16e57",
    "1 image received whole, 1 with this digest, 0 with another",
    "1 of the 1 called updated run 2.0.0 with this digest",
    "10 B received, 10.0 kB/s while",
    "2 connections accepted",
    "2 devices: last seen 1 at 2.0.0, 1 never",
    "evidence that they run 2.0.0 is kept of 1",
    "As planned: 2 of 2 devices",
  ]) {
    expect(text).toContain(part);
  }
});

it("collects the faults of each device in order", () => {
  const faults = new Faults();
  const error = (code: FlashwaveErrorCode) => new FlashwaveError(code, "", { phase: "send" });
  for (const code of ["device_busy", "connection_lost"] as const) {
    faults.onEvent({ type: "attempt-failed", device: "a", attempt: 1, error: error(code), next: "retry", delay: 0 });
  }
  faults.onEvent({ type: "attempt-started", device: "a", attempt: 3, attemptId: "x" });
  expect([faults.of("a"), faults.of("b")]).toEqual([["device_busy", "connection_lost"], []]);
});

it("has every peculiar device on stage once, among well ones", () => {
  expect(cast).toHaveLength(24);
  for (const part of peculiar) expect(cast.filter((one) => one === part)).toHaveLength(1);
});
