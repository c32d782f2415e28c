import { expect } from "vitest";
import type { SimulatedDevice } from "../../mocks/index.ts";
import { sha256 } from "../../mocks/index.ts";
import type { Receipt } from "../../src/index.ts";
import type { BareOutcome } from "../../src/push/record/record.ts";
import { contradictions } from "../kit.ts";
import { aftermaths, type Mark, verifying } from "./trace.ts";

/** How a push or an update ended, for the device and for the caller. */
export interface Ending {
  readonly trace: readonly Mark[];
  readonly outcome: BareOutcome;
  readonly receipt: Receipt | undefined;
  readonly device: SimulatedDevice;
}

/**
 * When bytes may leave again: none of them reached the socket, or the device was read afterwards and showed the old
 * version twice, a quiet period apart. `asks`: a device that tells its offset is read by the next attempt itself.
 */
export function resendLaw(trace: readonly Mark[], old: string, asks = false): void {
  for (const { fault, reads, repeated } of aftermaths(trace)) {
    if (!repeated || fault.bytesOut === "none" || asks) continue;
    expect(reads.slice(-2), `sent again after ${fault.code}`).toEqual([old, old]);
  }
}

const faultsOf = (trace: readonly Mark[]) => aftermaths(trace).map(({ fault }) => fault);
const attemptsOf = (trace: readonly Mark[]) => trace.filter(({ kind }) => kind === "attempt").length;

const sentAfter = (trace: readonly Mark[]) => trace.some(({ kind }) => kind === "sent");

/** What each letter of the matrix means, as assertions. */
const laws: Readonly<Record<string, (ending: Ending) => void>> = {
  N({ trace, outcome }) {
    // A push reads nothing first: what it met is told as a fault. The first read of an update is tried again untold.
    if (outcome.status === "sent") expect(faultsOf(trace).length).toBeGreaterThan(0);
    // Where the kernel had taken bytes before the reset was seen, more is known to be possible, and the device is read.
    for (const { fault, repeated } of aftermaths(trace)) {
      if (fault.bytesOut === "none") expect(fault.next).toBe(repeated || sentAfter(trace) ? "retry" : "give-up");
      else expect(fault.next).toBe("read");
    }
  },
  V({ trace }) {
    expect(faultsOf(trace).length).toBeGreaterThan(0);
    for (const { fault, reads, unread } of aftermaths(trace)) {
      expect(fault.next).toBe("read");
      expect(reads.length + unread).toBeGreaterThan(0);
    }
  },
  "V + flag"(ending) {
    laws["V"]?.(ending);
    // A reset can overtake the answer that was sent before it.
    const early = faultsOf(ending.trace).map(({ code }) => code === "early_reply");
    for (const { code } of faultsOf(ending.trace)) expect(code).toMatch(/^(early_reply|connection_lost)$/);
    if (ending.receipt !== undefined) expect(ending.receipt).toMatchObject({ early: early.includes(true) });
  },
  F({ trace, outcome }) {
    for (const { next } of faultsOf(trace)) expect(next).toBe("give-up");
    expect(attemptsOf(trace)).toBeLessThanOrEqual(1);
    expect(outcome).toMatchObject({ status: "failed", error: { retryable: false } });
  },
  "F*"(ending) {
    laws["F"]?.(ending);
    expect(aftermaths(ending.trace).map(({ reads, unread }) => reads.length + unread)).toEqual([1]);
  },
  "F + alert": (ending) => laws["F"]?.(ending),
  "F + halt": (ending) => laws["F"]?.(ending),
  D({ trace }) {
    const faults = faultsOf(trace);
    expect(faults.length).toBeGreaterThan(0);
    for (const { code, bytesOut, next } of faults) {
      expect([code, next]).toEqual(["device_busy", bytesOut === "none" ? "retry" : "read"]);
    }
  },
  R({ trace }) {
    expect(attemptsOf(trace)).toBe(1);
    expect(verifying(trace).some(({ kind }) => kind === "unread")).toBe(true);
  },
  "R, then unverified": (ending) => laws["R"]?.(ending),
  "poll, not updated"({ trace, outcome }) {
    expect(attemptsOf(trace)).toBe(1);
    expect(verifying(trace).filter(({ kind }) => kind === "read").length).toBeGreaterThan(1);
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
  },
  abort: (ending) => laws["F"]?.(ending),
  "abort, F": (ending) => laws["F"]?.(ending),
};

/** The cell's own law. */
export function lawOfCell(law: string, ending: Ending): void {
  const asserted = laws[law];
  if (asserted === undefined) throw new Error(`no law is known for "${law}"`);
  asserted(ending);
}

/** What holds in every cell, by its name in the design. */
export const invariants: Readonly<Record<string, (ending: Ending, image: Uint8Array, old: string) => void>> = {
  "I1: no false success"({ outcome, device }) {
    expect(contradictions(outcome, device)).toEqual([]);
    if (outcome.status !== "updated") return;
    const { evidence, receipt } = outcome;
    expect(evidence.version).toBe(device.version);
    expect(evidence.firstSeenAt).toBeGreaterThanOrEqual(receipt.startedAt);
    if (receipt.acknowledgedBy === "reply") expect(evidence.firstSeenAt).toBeGreaterThanOrEqual(receipt.endedAt);
  },
  "I2: right bytes"({ device }, image) {
    // Also of what was broken off: a prefix of the artifact, and nothing else.
    for (const { bytes, sha256: seen } of device.received) expect(seen).toBe(sha256(image.subarray(0, bytes)));
  },
  "I4: one attempt at a time"({ trace, device }) {
    const marks = trace.filter(({ kind }) => kind === "attempt" || kind === "fault" || kind === "sent");
    for (const [at, { kind }] of marks.entries())
      if (at > 0 && kind === "attempt") expect(marks[at - 1]?.kind).toBe("fault");
    expect(attemptsOf(trace)).toBeGreaterThanOrEqual(device.counters.requests.update);
  },
  "I7: after an unknown outcome the next action is a read"({ trace }, _, old) {
    resendLaw(trace, old);
  },
};
