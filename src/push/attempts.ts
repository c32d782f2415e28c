import type { Artifact } from "../core/artifact.ts";
import type { Clock, Random } from "../core/clock.ts";
import type { DeliverySession, Probe, ResumeToken, SendStep } from "../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { ClientEvent } from "../core/events.ts";
import type { DeviceState, Receipt } from "../core/outcome.ts";
import type { Pace } from "../core/transport.ts";
import type { VersionScheme } from "../core/versions.ts";
import { type Readback, readback, readOnce, unknownOutcome } from "./readback.ts";
import { backoff, decide, type RetryOptions, repeatable } from "./retry-policy.ts";
import type { VerificationRun } from "./verification.ts";
import type { Waiting } from "./waiting.ts";

/** Everything that one push needs, resolved. Shared by all its attempts. */
export interface PushRun {
  readonly device: string;
  readonly origin: string;
  readonly delivery: string;
  readonly pushId: string;
  readonly artifact: Artifact;
  readonly session: DeliverySession;
  readonly probe: Probe | undefined;
  readonly before: DeviceState | undefined;
  readonly versions: VersionScheme;
  readonly retry: RetryOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly waiting: Waiting;
  /** Milliseconds that one attempt may take, waiting for the rate limit excluded. */
  readonly attemptTimeout: number;
  readonly readTimeout: number;
  readonly readbackDeadline: number;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly pace: Pace | undefined;
  readonly onSent: ((attempt: number, bytes: number) => void) | undefined;
  readonly emit: ((event: ClientEvent) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The only retry loop. Resolves once the device has the bytes; what it did about each fault is told as events. */
export async function attempts(run: PushRun): Promise<Receipt> {
  let early = false;
  let resume: ResumeToken | undefined;
  const onResumable = async (token: ResumeToken) => {
    resume = token;
  };
  for (let attempt = 1; ; attempt++) {
    const attemptId = `${run.pushId}-${attempt}`;
    const startedAt = run.clock.wall();
    run.emit?.({ type: "attempt-started", device: run.device, attempt, attemptId });
    let fault: FlashwaveError;
    try {
      const reply = await run.session.send(
        run.artifact.payload,
        sendStep(run, attempt, attemptId, resume, onResumable),
      );
      return receiptOf(run, { attempt, attemptId, startedAt, early, acknowledgedBy: "reply", ...reply });
    } catch (thrown) {
      fault = faultOf(thrown, run.device, attempt);
    }
    early ||= fault.code === "early_reply";
    const decision = decide(fault, run.session.traits);
    const delay = backoff(attempt, decision, fault, run.retry, run.random);
    run.emit?.({ type: "attempt-failed", device: run.device, attempt, error: fault, next: decision.next, delay });
    if (decision.next === "give-up")
      throw decision.read && run.probe ? await readOnce(readRun(run, run.probe, startedAt), fault) : fault;
    // A device that tells its offset is read by the next attempt itself, before its first byte.
    if (decision.next === "read" && !(run.session.traits.resumable && resume !== undefined)) {
      const seen = await settleByRead(run, startedAt);
      if (seen.kind === "arrived") {
        const { length } = run.artifact;
        return receiptOf(run, {
          attempt,
          attemptId,
          startedAt,
          early,
          acknowledgedBy: "readback",
          status: 0,
          bytes: length,
        });
      }
      if (seen.kind === "unclear") throw unknownOutcome(fault, whyUnclear(seen), run.device, attempt);
    }
    if (attempt >= run.retry.attempts) throw fault;
    await run.waiting.sleep(delay, "send", run.device, run.signal);
  }
}

function sendStep(
  run: PushRun,
  attempt: number,
  attemptId: string,
  resume: ResumeToken | undefined,
  onResumable: (token: ResumeToken) => Promise<void>,
): SendStep {
  const { onSent } = run;
  return {
    deadline: run.clock.now() + run.attemptTimeout,
    pushId: run.pushId,
    attemptId,
    onResumable,
    ...(run.signal && { signal: run.signal }),
    ...(run.headers && { headers: run.headers }),
    ...(run.pace && { pace: run.pace }),
    ...(onSent && { onSent: (bytes: number) => onSent(attempt, bytes) }),
    ...(resume && { resume }),
  };
}

interface Acknowledged {
  readonly attempt: number;
  readonly attemptId: string;
  readonly startedAt: number;
  readonly early: boolean;
  readonly acknowledgedBy: Receipt["acknowledgedBy"];
  readonly status: number;
  readonly bytes: number;
  readonly remoteId?: string;
}

function receiptOf(run: PushRun, seen: Acknowledged): Receipt {
  return {
    device: run.device,
    origin: run.origin,
    delivery: run.delivery,
    artifact: run.artifact.ref,
    attemptId: seen.attemptId,
    attempts: seen.attempt,
    bytes: seen.bytes,
    status: seen.status,
    acknowledgedBy: seen.acknowledgedBy,
    early: seen.early,
    // A device seen running the artifact needs no order to install it.
    activated: run.session.traits.activates === "itself" || seen.acknowledgedBy === "readback",
    ...(seen.remoteId !== undefined && { remoteId: seen.remoteId }),
    ...(run.before !== undefined && { before: run.before }),
    startedAt: seen.startedAt,
    endedAt: run.clock.wall(),
  };
}

/** Whatever an adapter threw as one error that names the device and the attempt. */
function faultOf(thrown: unknown, device: string, attempt: number): FlashwaveError {
  if (isFlashwaveError(thrown)) return inContext(thrown, { device, attempt });
  return new FlashwaveError(
    "outcome_unknown",
    "The delivery adapter threw something that is not a FlashwaveError, so it cannot be told what the device received. Read the device, and mend the adapter.",
    { phase: "send", bytesOut: "some", device, attempt, cause: thrown },
  );
}

async function settleByRead(run: PushRun, startedAt: number): Promise<Readback> {
  if (run.probe !== undefined) return readback(readRun(run, run.probe, startedAt), run.retry.quietPeriod);
  return { kind: repeatable(run.session.traits) ? "repeatable" : "unclear" };
}

function readRun(run: PushRun, probe: Probe, startedAt: number): VerificationRun {
  const { device, artifact, versions, before, clock, waiting, emit, signal, readTimeout } = run;
  const since = { startedAt, ...(before && { before }) };
  const expected = { device, artifact: artifact.ref, versions, since, newBoot: true, stableFor: 0 };
  return { probe, expected, deadline: run.readbackDeadline, readTimeout, clock, waiting, emit, signal };
}

function whyUnclear(seen: Extract<Readback, { kind: "unclear" }>): string {
  return seen.error === undefined
    ? "a read showed neither the new version nor an idle device with the old one."
    : `it could not be read (${seen.error.code}).`;
}
