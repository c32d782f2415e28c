import { expect } from "vitest";
import type { SimulatedDevice } from "../../mocks/index.ts";
import { sha256 } from "../../mocks/index.ts";
import type { FlashwaveError, Receipt } from "../../src/index.ts";
import type { BareOutcome } from "../../src/push/record/record.ts";
import { contradictions } from "../kit.ts";
import { aftermaths, type Mark, verifying } from "./trace.ts";

/** What both ends of the way counted, whatever the client told of it. */
export interface Wire {
  /** Connections that the client tried to open, whether anybody took them or not. */
  readonly dials: number;
  /** Requests that came to whoever was to hear none: over connections that broke, or to a device that is not trusted. */
  readonly heard: number;
  /** Bytes of the artifact that came to the device. */
  readonly arrived: number;
}

/** How a push or an update ended, for the caller and on the way. */
export interface Ending {
  readonly trace: readonly Mark[];
  readonly outcome: BareOutcome;
  readonly receipt: Receipt | undefined;
  readonly wire: Wire;
}

/**
 * When bytes may leave again: none of them reached the socket, or the device was read afterwards and showed the old
 * version twice, a quiet period apart.
 * @param questions how often the device was asked for its offset: by a next attempt, which then reads it itself
 */
export function resendLaw(trace: readonly Mark[], old: string, questions = 0): void {
  let asked = questions;
  for (const { fault, reads, repeated } of aftermaths(trace)) {
    if (!repeated || fault.bytesOut === "none") continue;
    if (reads.length === 0 && asked-- > 0) continue;
    expect(reads.slice(-2), `sent again after ${fault.code}`).toEqual([old, old]);
  }
}

const faultsOf = (trace: readonly Mark[]) => aftermaths(trace).map(({ fault }) => fault);
const attemptsOf = (trace: readonly Mark[]) => trace.filter(({ kind }) => kind === "attempt").length;

const sentAfter = (trace: readonly Mark[]) => trace.some(({ kind }) => kind === "sent");

/** The error it ended with; nothing where it went well. */
const errorOf = (outcome: BareOutcome) => ("error" in outcome ? outcome.error : undefined);

/** A failure that is told by its code, so that others can be stopped for it, and where it was seen. */
const failedBy =
  (code: RegExp, where: Partial<FlashwaveError>) =>
  (ending: Ending): void => {
    laws["F"]?.(ending);
    expect(errorOf(ending.outcome)).toMatchObject({ code: expect.stringMatching(code), ...where });
  };
const untrusted = failedBy(/^(tls_failed|pin_mismatch)$/, { phase: "connect" });
const ownSource = failedBy(/^artifact_(changed|unreadable)$/, {});

/** What each letter of the matrix means, as assertions. */
const laws: Readonly<Record<string, (ending: Ending) => void>> = {
  N({ trace, outcome, wire }) {
    // A push reads nothing first: what it met is told as a fault. The first read of an update is tried again untold.
    if (outcome.status === "sent") expect(faultsOf(trace).length).toBeGreaterThan(0);
    // Where the kernel had taken a request before the end was seen, more is known to be possible, and the device is read.
    for (const { fault, repeated } of aftermaths(trace)) {
      const unsent = fault.bytesOut === "none" && (fault.code !== "connection_lost" || fault.next !== "read");
      if (unsent) expect(fault.next).toBe(repeated || sentAfter(trace) ? "retry" : "give-up");
      else expect(fault.next).toBe("read");
    }
    expect(wire.dials, "connections tried").toBeGreaterThan(1);
    expect(wire.heard, "requests over connections that broke").toBe(0);
    const error = errorOf(outcome);
    if (error !== undefined) expect(error).toMatchObject({ phase: "connect", bytesOut: "none", retryable: true });
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
  "F, untrusted"(ending) {
    untrusted(ending);
    expect(ending.wire.heard, "requests to a device that is not trusted").toBe(0);
  },
  "F, another device": failedBy(/^wrong_device$/, { phase: "verify", bytesOut: "all" }),
  "F, another version": failedBy(/^wrong_(version|digest)$/, { phase: "verify", bytesOut: "all" }),
  "F, own source, unsent"(ending) {
    ownSource(ending);
    expect(ending.wire.arrived, "bytes of the artifact").toBe(0);
  },
  "F, own source, in part"(ending) {
    ownSource(ending);
    expect(errorOf(ending.outcome)?.bytesOut).toBe("some");
    expect(ending.wire.arrived, "bytes of the artifact").toBeGreaterThan(0);
  },
  D({ trace }) {
    const faults = faultsOf(trace);
    expect(faults.length).toBeGreaterThan(0);
    for (const { code, bytesOut, next } of faults) {
      expect([code, next]).toEqual(["device_busy", bytesOut === "none" ? "retry" : "read"]);
    }
  },
  R({ trace, outcome }) {
    expect(attemptsOf(trace)).toBe(1);
    expect(verifying(trace).some(({ kind }) => kind === "unread")).toBe(true);
    if (outcome.status !== "updated")
      expect([outcome.status, errorOf(outcome)?.code]).toEqual(["unknown", "unverified"]);
  },
  "poll, not updated"({ trace, outcome }) {
    expect(attemptsOf(trace)).toBe(1);
    expect(verifying(trace).filter(({ kind }) => kind === "read").length).toBeGreaterThan(1);
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
  },
};

/** The cell's own law. */
export function lawOfCell(law: string, ending: Ending): void {
  const asserted = laws[law];
  if (asserted === undefined) throw new Error(`no law is known for "${law}"`);
  asserted(ending);
}

/** What holds in every cell, by its name in the design. */
export const invariants: Readonly<
  Record<string, (ending: Ending, device: SimulatedDevice, image: Uint8Array, old: string) => void>
> = {
  "I1: no false success"({ outcome }, device) {
    expect(contradictions(outcome, device)).toEqual([]);
    if (outcome.status !== "updated") return;
    const { evidence, receipt } = outcome;
    expect(evidence.version).toBe(device.version);
    expect(evidence.firstSeenAt).toBeGreaterThanOrEqual(receipt.startedAt);
    if (receipt.acknowledgedBy === "reply") expect(evidence.firstSeenAt).toBeGreaterThanOrEqual(receipt.endedAt);
  },
  "I2: right bytes"(_, device, image) {
    // Also of what was broken off: a prefix of the artifact, and nothing else.
    for (const { bytes, sha256: seen } of device.received) expect(seen).toBe(sha256(image.subarray(0, bytes)));
  },
  "I4: one attempt at a time"({ trace }, device) {
    const marks = trace.filter(({ kind }) => kind === "attempt" || kind === "fault" || kind === "sent");
    for (const [at, { kind }] of marks.entries())
      if (at > 0 && kind === "attempt") expect(marks[at - 1]?.kind).toBe("fault");
    expect(attemptsOf(trace)).toBeGreaterThanOrEqual(device.counters.requests.update);
  },
  "I7: after an unknown outcome the next action is a read"({ trace }, _, __, old) {
    resendLaw(trace, old);
  },
};
