import { createProgress } from "../bytes/index.ts";
import type { Artifact } from "../core/artifact.ts";
import type { DeliverySession, ResumeToken, SendStep } from "../core/delivery.ts";
import { FlashwaveError, inContext } from "../core/errors.ts";
import type { Acknowledgement, DeviceState, Receipt } from "../core/outcome.ts";
import type { Pace } from "../core/transport.ts";
import { faultOf, progressFailed, stillOut } from "./faults.ts";
import { type PushOptions, sendTimeout } from "./options.ts";
import { interruptions } from "./outcomes.ts";
import { type Readback, readback, readOnce, unknownOutcome } from "./readback.ts";
import { Resumption } from "./resumption.ts";
import { backoff, decide, isFinal, repeatable } from "./retry-policy.ts";
import { budgetSpent, type Site } from "./site/site.ts";
import type { VerificationRun } from "./verification.ts";
import type { Work } from "./work.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * One push: its attempts, and the only retry loop. What it does about each fault is told as events.
 *
 *     send ──acknowledged──► receipt
 *       └────fault──► recover: read? wait, send again … ──► receipt, or it throws
 *
 * A push that works at once allocates little more than its receipt: what only a fault needs is made by the fault.
 */
export class Attempts {
  readonly #work: Work;
  readonly #session: DeliverySession;
  readonly #artifact: Artifact;
  readonly #options: PushOptions;
  readonly #before: DeviceState | undefined;
  readonly #pushId: string;
  readonly #pace: Pace | undefined;
  #attempt = 1;
  #attemptId = "";
  #startedAt = 0;
  #early = false;
  /** Some attempt may have given the device all bytes. */
  #wholly = false;
  /** There only for a delivery that can resume. */
  readonly #resumption: Resumption | undefined;

  /** @throws `invalid_option` for a token of a delivery that cannot resume */
  constructor(work: Work, session: DeliverySession, artifact: Artifact, options: PushOptions, before?: DeviceState) {
    this.#work = work;
    this.#session = session;
    this.#artifact = artifact;
    this.#options = options;
    this.#before = before;
    this.#pushId = work.nextPushId();
    this.#pace = work.paceFor(options);
    this.#resumption = resumptionOf(session, artifact, options);
    // Whoever kept the token may have been killed after its last byte.
    this.#wholly = this.#resumption?.open === true;
  }

  /** One attempt, as the device answers it, once its site lets it. */
  send(): Promise<Acknowledgement> {
    const { site } = this.#work;
    return site === undefined ? this.#send() : this.#sendAt(site);
  }

  /** A function of its own: a push without a site shall not pay for the closure. */
  #sendAt(site: Site): Promise<Acknowledgement> {
    const { device, signal } = this.#work;
    return site.run(() => this.#send(), this.#attempt === 1, device.id, signal);
  }

  #send(): Promise<Acknowledgement> {
    const { emit, device, options } = this.#work;
    this.#attemptId = `${this.#pushId}-${this.#attempt}`;
    this.#startedAt = options.clock.wall();
    emit?.({ type: "attempt-started", device: device.id, attempt: this.#attempt, attemptId: this.#attemptId });
    return this.#session.send(this.#artifact.payload, this.#step());
  }

  /** From a first attempt's fault to a receipt, or to the error that ends the push. */
  async recover(thrown: unknown): Promise<Receipt> {
    for (let fault = thrown; ; ) {
      const receipt = await this.#afterFault(faultOf(fault, this.#work.device.id, this.#attempt));
      if (receipt !== undefined) return receipt;
      this.#attempt++;
      try {
        return this.receipt(await this.send());
      } catch (again) {
        fault = again;
      }
    }
  }

  #step(): SendStep {
    const { options, signal } = this.#work;
    const resumption = this.#resumption;
    return {
      deadline: options.clock.now() + sendTimeout(options, this.#artifact),
      signal,
      pushId: this.#pushId,
      attemptId: this.#attemptId,
      headers: this.#options.headers,
      pace: this.#pace,
      onInstalling: this.#work.onInstalling,
      onSent: this.#options.onProgress && this.#onSent(this.#options.onProgress),
      resume: resumption?.token,
      onResumable: resumption && this.#keeping(resumption),
    };
  }

  /** A function of its own: a closure in `#step` would cost every push its context, also those that need none. */
  #keeping(resumption: Resumption): (token: ResumeToken) => Promise<void> {
    return (token) => {
      // A device that tells an offset below the end was not given all bytes.
      if (resumption.open) this.#wholly = false;
      return resumption.keep(token, this.#attempt);
    };
  }

  /** Each attempt begins at nothing, and never goes back within itself. */
  #onSent(report: NonNullable<PushOptions["onProgress"]>): (bytes: number) => void {
    const { device, options } = this.#work;
    const attempt = this.#attempt;
    const total = this.#artifact.length;
    return createProgress({
      total,
      clock: options.clock,
      report: (sent) => {
        try {
          report({ device: device.id, attempt, sent, total });
        } catch (cause) {
          throw progressFailed(cause, device.id, attempt);
        }
      },
    });
  }

  /** A receipt when a read shows that the bytes arrived after all, nothing when another attempt is due, or it throws. */
  async #afterFault(fault: FlashwaveError): Promise<Receipt | undefined> {
    const { emit, device, options, signal, site, waiting } = this.#work;
    const resumption = this.#resumption;
    if (resumption?.settled) throw fault;
    if (fault.code === "site_unavailable") throw this.#notBegun(fault);
    this.#early ||= fault.code === "early_reply";
    const usual = decide(fault, this.#session.traits, this.#work.probe !== undefined);
    const decision = resumption?.decide(fault, usual, this.#wholly) ?? usual;
    const { next } = decision;
    const tries = resumption?.tries(this.#attempt) ?? this.#attempt;
    const delay = backoff(Math.max(1, tries), decision, fault, options.retry, options.random);
    const over = tries >= options.retry.attempts || isFinal(usual);
    // An attempt that got the device further is no failure of its site's.
    const spent = next !== "give-up" && !over && tries > 0 && site?.pays(fault) === false;
    const last = over || spent;
    const reads = next === "read" || (last && resumption?.open === true && this.#wholly);
    // After the last attempt nothing is retried, whatever the policy would.
    const told = next === "retry" && last ? (reads ? "read" : "give-up") : next;
    emit?.({ type: "attempt-failed", device: device.id, attempt: this.#attempt, error: fault, next: told, delay });
    if (decision.next === "give-up") throw await this.#givingUp(fault, decision.read);
    const end = spent ? budgetSpent(fault, site?.name ?? "") : fault;
    const wait = () => waiting.sleep(delay, "send", device.id, signal);
    if (usual.next === "read" && next === "read") {
      this.#wholly ||= fault.bytesOut === "all" || fault.code === "early_reply";
      // A device that tells its offset is read by the next attempt itself, before its first byte.
      if (!isFinal(usual) && !spent && resumption?.ask(fault, last)) {
        await wait();
        return undefined;
      }
    }
    // Whoever asked to be left alone is not read at once either, unless there is nothing to come after the read.
    const patient = fault.code === "device_busy" && !last;
    if (patient) await wait();
    if (reads) {
      const receipt = await this.#arrival(fault, last ? end : undefined);
      if (receipt !== undefined) return receipt;
    } else if (last) {
      throw this.#wholly ? unknownOutcome(fault, perhapsEarlier, device.id, this.#attempt) : end;
    }
    if (!patient) await wait();
    return undefined;
  }

  /** The site let no attempt begin, so that those before it are all there was. */
  #notBegun(fault: FlashwaveError): FlashwaveError {
    this.#attempt--;
    const { id } = this.#work.device;
    return this.#wholly
      ? unknownOutcome(fault, perhapsEarlier, id, this.#attempt)
      : inContext(fault, { attempt: this.#attempt });
  }

  /**
   * A receipt when a read shows the artifact, nothing when the send may be repeated, or it throws.
   * @param end what the push ends with when the device has not got it; absent when there is another attempt
   */
  async #arrival(fault: FlashwaveError, end: FlashwaveError | undefined): Promise<Receipt | undefined> {
    const device = this.#work.device.id;
    const seen = await this.#settleByRead(fault);
    if (seen.kind === "arrived") return this.receipt({ status: 0, bytes: this.#artifact.length }, "readback");
    if (seen.kind === "unclear") throw unknownOutcome(fault, whyUnclear(seen, this.#work), device, this.#attempt);
    if (end !== undefined)
      throw seen.kind === "intact" ? end : unknownOutcome(fault, unreadable, device, this.#attempt);
    return undefined;
  }

  /** Reads once where that says more about a final fault. */
  async #givingUp(fault: FlashwaveError, read: boolean): Promise<FlashwaveError> {
    const { probe } = this.#work;
    if (this.#wholly && interruptions.has(fault.code)) return inContext(fault, { bytesOut: "all" });
    if (!read || probe === undefined) return fault;
    return readOnce(this.#readRun(probe), fault).catch(stillOut(fault));
  }

  async #settleByRead(fault: FlashwaveError): Promise<Readback> {
    const { options, probe } = this.#work;
    if (probe === undefined) return { kind: repeatable(this.#session.traits) ? "repeatable" : "unclear" };
    return readback(this.#readRun(probe), options.retry.quietPeriod, this.#wholly).catch(stillOut(fault));
  }

  #readRun(probe: VerificationRun["probe"]): VerificationRun {
    const since = { startedAt: this.#startedAt, before: this.#before };
    return this.#work.verificationRun(probe, {
      ...this.#work.expectation(this.#artifact, since),
      newBoot: true,
      stableFor: 0,
    });
  }

  /** What this attempt's acknowledgement amounts to. */
  receipt(
    reply: Acknowledgement,
    acknowledgedBy: Receipt["acknowledgedBy"] = reply.status === 0 ? "verdict" : "reply",
  ): Receipt {
    const { device, origin, delivery, options } = this.#work;
    const receipt: Mutable<Receipt> = {
      device: device.id,
      origin,
      delivery,
      artifact: this.#artifact.ref,
      attemptId: this.#attemptId,
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
    if (this.#before !== undefined) receipt.before = this.#before;
    return receipt;
  }
}

function resumptionOf(session: DeliverySession, artifact: Artifact, options: PushOptions): Resumption | undefined {
  const { resume, onResumable } = options;
  if (session.traits.resumable) return new Resumption(artifact.length, resume, onResumable);
  if (resume === undefined) return undefined;
  throw new FlashwaveError(
    "invalid_option",
    "resume was given, but this device's delivery cannot go on where a send broke. Leave it out.",
    { phase: "prepare" },
  );
}

const unreadable = "no probe is known that could read it.";
const perhapsEarlier = "an earlier attempt may have reached it.";

function whyUnclear(seen: Extract<Readback, { kind: "unclear" }>, { options, verification }: Work): string {
  if (seen.seen !== undefined) {
    return `a read showed version ${JSON.stringify(seen.seen.version)}, but verification.deadline (${verification.deadline} ms) was over before the quiet period (${options.retry.quietPeriod} ms) in which it must stay so; push with a longer deadline.`;
  }
  return seen.error === undefined
    ? "a read showed neither the new version nor an idle device with the old one."
    : `it could not be read (${seen.error.code}).`;
}
