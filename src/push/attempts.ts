import type { Artifact } from "../core/artifact.ts";
import type { DeliverySession, ResumeToken, SendStep } from "../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { Acknowledgement, DeviceState, Receipt } from "../core/outcome.ts";
import type { Pace } from "../core/transport.ts";
import { type PushOptions, sendTimeout } from "./options.ts";
import { type Readback, readback, readOnce, unknownOutcome } from "./readback.ts";
import { backoff, decide, repeatable } from "./retry-policy.ts";
import type { VerificationRun } from "./verification.ts";
import type { Work } from "./work.ts";

/** What one push sends, and what its attempts report to. */
export interface Parcel {
  readonly artifact: Artifact;
  readonly headers: PushOptions["headers"];
  readonly pace: Pace | undefined;
  readonly onSent: ((attempt: number, bytes: number) => void) | undefined;
  readonly before: DeviceState | undefined;
}

/** The only retry loop. Resolves once the device has the bytes; what it did about each fault is told as events. */
export function attempts(work: Work, session: DeliverySession, parcel: Parcel): Promise<Receipt> {
  return new Attempts(work, session, parcel).run();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A push that works at once allocates little more than its receipt: what only a fault needs is made by the fault. */
class Attempts {
  readonly #work: Work;
  readonly #session: DeliverySession;
  readonly #parcel: Parcel;
  readonly #pushId: string;
  #attempt = 1;
  #startedAt = 0;
  #early = false;
  #resume: ResumeToken | undefined;

  constructor(work: Work, session: DeliverySession, parcel: Parcel) {
    this.#work = work;
    this.#session = session;
    this.#parcel = parcel;
    this.#pushId = work.nextPushId();
  }

  async run(): Promise<Receipt> {
    const { emit, device, options } = this.#work;
    for (;;) {
      this.#startedAt = options.clock.wall();
      emit?.({ type: "attempt-started", device: device.id, attempt: this.#attempt, attemptId: this.#attemptId() });
      try {
        const reply = await this.#session.send(this.#parcel.artifact.payload, this.#step());
        return this.#receipt("reply", reply);
      } catch (thrown) {
        const receipt = await this.#afterFault(faultOf(thrown, device.id, this.#attempt));
        if (receipt !== undefined) return receipt;
      }
      this.#attempt++;
    }
  }

  #attemptId(): string {
    return `${this.#pushId}-${this.#attempt}`;
  }

  #step(): SendStep {
    const { options, signal } = this.#work;
    const { artifact, headers, pace, onSent } = this.#parcel;
    const step: Mutable<SendStep> = {
      deadline: options.clock.now() + sendTimeout(options, artifact),
      pushId: this.#pushId,
      attemptId: this.#attemptId(),
    };
    if (signal !== undefined) step.signal = signal;
    if (headers !== undefined) step.headers = headers;
    if (pace !== undefined) step.pace = pace;
    if (onSent !== undefined) {
      const attempt = this.#attempt;
      step.onSent = (bytes) => onSent(attempt, bytes);
    }
    if (this.#session.traits.resumable) {
      step.onResumable = async (token) => {
        this.#resume = token;
      };
      if (this.#resume !== undefined) step.resume = this.#resume;
    }
    return step;
  }

  /** A receipt when a read shows that the bytes arrived after all, nothing when another attempt is due, or it throws. */
  async #afterFault(fault: FlashwaveError): Promise<Receipt | undefined> {
    const { emit, device, options, probe, signal, waiting } = this.#work;
    this.#early ||= fault.code === "early_reply";
    const { traits } = this.#session;
    const decision = decide(fault, traits);
    const delay = backoff(this.#attempt, decision, fault, options.retry, options.random);
    emit?.({
      type: "attempt-failed",
      device: device.id,
      attempt: this.#attempt,
      error: fault,
      next: decision.next,
      delay,
    });
    if (decision.next === "give-up") {
      throw decision.read && probe !== undefined ? await readOnce(this.#readRun(probe), fault) : fault;
    }
    // A device that tells its offset is read by the next attempt itself, before its first byte.
    const toldByOffset = traits.resumable && this.#resume !== undefined;
    if (decision.next === "read" && !toldByOffset) {
      const seen = await this.#settleByRead();
      if (seen.kind === "arrived") return this.#receipt("readback", { status: 0, bytes: this.#parcel.artifact.length });
      if (seen.kind === "unclear") throw unknownOutcome(fault, whyUnclear(seen), device.id, this.#attempt);
    }
    if (this.#attempt >= options.retry.attempts) throw fault;
    await waiting.sleep(delay, "send", device.id, signal);
    return undefined;
  }

  async #settleByRead(): Promise<Readback> {
    const { options, probe } = this.#work;
    if (probe !== undefined) return readback(this.#readRun(probe), options.retry.quietPeriod);
    return { kind: repeatable(this.#session.traits) ? "repeatable" : "unclear" };
  }

  #readRun(probe: VerificationRun["probe"]): VerificationRun {
    const { artifact, before } = this.#parcel;
    const since = { startedAt: this.#startedAt, ...(before && { before }) };
    return this.#work.verificationRun(probe, {
      ...this.#work.expectation(artifact, since),
      newBoot: true,
      stableFor: 0,
    });
  }

  #receipt(acknowledgedBy: Receipt["acknowledgedBy"], reply: Acknowledgement): Receipt {
    const { device, origin, delivery, options } = this.#work;
    const receipt: Mutable<Receipt> = {
      device: device.id,
      origin,
      delivery,
      artifact: this.#parcel.artifact.ref,
      attemptId: this.#attemptId(),
      attempts: this.#attempt,
      bytes: reply.bytes,
      status: reply.status,
      acknowledgedBy,
      early: this.#early,
      // A device seen running the artifact needs no order to install it.
      activated: this.#session.traits.activates === "itself" || acknowledgedBy === "readback",
      startedAt: this.#startedAt,
      endedAt: options.clock.wall(),
    };
    if (reply.remoteId !== undefined) receipt.remoteId = reply.remoteId;
    if (this.#parcel.before !== undefined) receipt.before = this.#parcel.before;
    return receipt;
  }
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

function whyUnclear(seen: Extract<Readback, { kind: "unclear" }>): string {
  return seen.error === undefined
    ? "a read showed neither the new version nor an idle device with the old one."
    : `it could not be read (${seen.error.code}).`;
}
