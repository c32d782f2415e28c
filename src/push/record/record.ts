import type { FlashwaveError } from "../../core/errors.ts";
import type { DeviceOutcome, Receipt } from "../../core/outcome.ts";
import type { DeliveryRecord, RecordedAttempt, RecordedError } from "../../core/record.ts";
import type { Step, Trail } from "./trail.ts";

type Bare<Outcome> = Outcome extends unknown ? Omit<Outcome, "record"> : never;

/** An outcome before it can tell its story. */
export type BareOutcome = Bare<DeviceOutcome>;

/** Gives an outcome its record: made when it is first asked for, since most are never kept. */
export function withRecord(outcome: BareOutcome, trail: Trail): DeviceOutcome {
  const endedAt = trail.now();
  let made: DeliveryRecord | undefined;
  return Object.defineProperty(outcome, "record", {
    enumerable: false,
    get: () => {
      made ??= recordOf(outcome, trail, endedAt);
      return made;
    },
  }) as DeviceOutcome;
}

function recordOf(outcome: BareOutcome, trail: Trail, endedAt: number): DeliveryRecord {
  const receipt = "receipt" in outcome ? outcome.receipt : undefined;
  const { admitted, retracted, steps } = trail;
  return plain<DeliveryRecord>({
    format: "flashwave-delivery-record/1",
    outcome: outcome.status,
    startedAt: trail.startedAt,
    endedAt,
    device: deviceOf(outcome, trail, receipt),
    artifact: outcome.artifact,
    admission: admitted,
    attempts: steps.map(attemptOf),
    written: receipt && writtenOf(receipt),
    answer: receipt && answerOf(receipt),
    readBack: {
      reads: trail.reads,
      before: receipt?.before,
      last: outcome.status === "skipped" ? outcome.state : trail.last,
      evidence: outcome.status === "updated" ? outcome.evidence : trail.evidence,
    },
    retracted: retracted && { evidence: retracted.evidence, state: retracted.state },
    error: "error" in outcome ? errorOf(outcome.error) : undefined,
  });
}

function deviceOf(outcome: BareOutcome, trail: Trail, receipt: Receipt | undefined): Loose<DeliveryRecord["device"]> {
  const { origin, delivery, site, certificates } = trail;
  const state = outcome.status === "skipped" ? outcome.state : (trail.last ?? receipt?.before);
  const identity = outcome.status === "updated" ? outcome.evidence.identity : state?.identity;
  return { id: outcome.device, origin, delivery, site, identity, certificates };
}

function attemptOf({ id, startedAt, endedAt, error }: Step): Loose<RecordedAttempt> {
  return { id, startedAt, endedAt, error: error && errorOf(error) };
}

/** A device that was read rather than heard, or spoke too early, acknowledged no bytes: what it has is for the read to say. */
function writtenOf({ acknowledgedBy, bytes, artifact }: Receipt): DeliveryRecord["written"] {
  if (acknowledgedBy === "readback" || bytes !== artifact.length) return undefined;
  return { bytes, digest: artifact.digest, knownBy: "blocks-checked-before-sending" };
}

function answerOf({ status, acknowledgedBy, early, activated, remoteId }: Receipt): Loose<DeliveryRecord["answer"]> {
  return { status, acknowledgedBy, early, activated, remoteId };
}

function errorOf({ code, phase, message, retryable, bytesOut, reply }: FlashwaveError): Loose<RecordedError> {
  return { code, phase, message, retryable, bytesOut, status: reply?.status };
}

/** What is not known is left out; elsewhere it would be told from absence by nobody. */
type Loose<T> = T extends object ? { [Name in keyof T]: Loose<T[Name]> | undefined } : T;

/** A copy without what is undefined, frozen to the bottom: nothing that is kept can change behind the record. */
function plain<T>(value: Loose<T>): T {
  return freezeAll(JSON.parse(JSON.stringify(value))) as T;
}

function freezeAll(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) freezeAll(member);
  return Object.freeze(value);
}
