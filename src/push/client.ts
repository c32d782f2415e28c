import type { Artifact } from "../core/artifact.ts";
import type { Delivery, DeliverySession, Probe, ResumeToken } from "../core/delivery.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError, type FlashwaveErrorCode, isFlashwaveError } from "../core/errors.ts";
import type { DeviceOutcome, DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import type { Transport, TransportStatistics } from "../core/transport.ts";
import { createTransport } from "../http/index.ts";
import { type AdmissionPolicy, resolveAdmission } from "./admission/index.ts";
import { Attempts } from "./attempts.ts";
import { discard } from "./discard.ts";
import { ofRead } from "./faults.ts";
import { enterAll, SendGate } from "./gate.ts";
import type { Walk } from "./map-concurrent.ts";
import {
  type ClientOptions,
  type DeviceRef,
  type InspectOptions,
  invalidOption,
  type PushManyOptions,
  type PushOptions,
  type ResolvedOptions,
  resolveOptions,
  resolveVerification,
  type UpdateOptions,
  type VerifyOptions,
} from "./options.ts";
import type { Client } from "./port.ts";
import { type ArtifactChoice, type FleetRun, type Lane, pushMany } from "./push-many.ts";
import type { Trail } from "./record/trail.ts";
import { evidenceHeld, isEvidenceOf } from "./retraction.ts";
import { checkArtifact, checkCall, checkClientOptions, checkToken, isReceiptOf } from "./shapes.ts";
import { type Shared, share } from "./shared.ts";
import { resolveSubject } from "./subject.ts";
import { admitted, closeQuietly, settleAndActivate, update } from "./update.ts";
import type { VerificationOptions } from "./verification.ts";
import { abortedError, closedError } from "./waiting.ts";
import { Work } from "./work.ts";

/** The deliveries of `options`, or those given as defaults by whoever composes the product. */
export function createClient(options: ClientOptions, defaults: readonly Delivery[]): Client {
  checkClientOptions(options);
  const { addressPolicy, tls, lookup, timeouts, limits, clock } = options;
  const resolved = resolveOptions(options);
  const policy = options.admission && resolveAdmission(options.admission);
  const transport = createTransport({
    ...(addressPolicy && { addressPolicy }),
    ...(tls && { tls }),
    ...(lookup && { lookup }),
    ...(timeouts && { timeouts }),
    ...(limits && { limits }),
    ...(clock && { clock }),
  });
  return new FlashwaveClient(options, resolved, options.deliveries ?? defaults, transport, policy);
}

const none = Object.freeze({});

class FlashwaveClient implements Client {
  readonly #options: ResolvedOptions;
  readonly #transport: Transport;
  readonly #shared: Shared;
  readonly #gate: SendGate;
  readonly #closing = new AbortController();
  /** At most one attempt in flight per device. */
  readonly #underWay = new Set<string>();

  constructor(
    options: ClientOptions,
    resolved: ResolvedOptions,
    deliveries: readonly Delivery[],
    transport: Transport,
    policy: AdmissionPolicy | undefined,
  ) {
    this.#options = resolved;
    this.#transport = transport;
    this.#gate = new SendGate(resolved.inFlight);
    this.#shared = share(options, resolved, deliveries, transport, policy, this.#closing.signal);
  }

  push(ref: DeviceRef, artifact: Artifact, options: PushOptions = none): Promise<Receipt> {
    return this.#push(ref, artifact, options);
  }

  /**
   * @param lane of the run that this push is part of
   * @param trail for the record of it, where one may be asked for
   */
  async #push(ref: DeviceRef, artifact: Artifact, options: PushOptions, lane?: Lane, trail?: Trail): Promise<Receipt> {
    checkArtifact(artifact);
    checkCall("push", options);
    const found = this.#work(ref, options.signal);
    const work = found instanceof Promise ? await found : found;
    if (trail !== undefined) work.trail = trail;
    checkToken(options.resume, work, artifact);
    const turn = this.#enter(work, lane);
    if (turn !== undefined) await turn;
    let session: DeliverySession | undefined;
    try {
      const before = work.admission && (await admitted(work, artifact, options.approvals));
      session = work.open();
      // Here and not in a function of its own: an async function more is memory for every small push.
      const attempts = new Attempts(work, session, artifact, options, before);
      let receipt: Receipt;
      try {
        receipt = attempts.receipt(await attempts.send());
      } catch (thrown) {
        receipt = await attempts.recover(thrown);
      }
      if (!receipt.activated && options.activate !== false) receipt = await settleAndActivate(work, session, receipt);
      work.emit?.({ type: "sent", device: receipt.device, receipt });
      return receipt;
    } finally {
      this.#leave(work, lane);
      if (session?.close !== undefined) await closeQuietly(session);
    }
  }

  async verify(ref: DeviceRef, artifact: Artifact, options: VerifyOptions = none): Promise<Evidence> {
    checkArtifact(artifact);
    checkCall("verify", options);
    const { since, signal } = options;
    const verification = resolveVerification(options, this.#options.verification);
    const work = await this.#work(ref, signal, verification);
    if (since !== undefined && !isReceiptOf(since, work.id, artifact)) {
      throw invalidOption("since", "the receipt of this artifact's send to this device", since);
    }
    const { earlier = evidenceHeld(work.device) } = options;
    if (earlier !== undefined && !isEvidenceOf(earlier, work.id))
      throw invalidOption("earlier", "evidence of this device", earlier);
    const evidence = await verifyAgainst(work, this.#probeOf(work), artifact, since, earlier);
    if (this.#shared.registry !== undefined) await work.witness.proved(evidence);
    return evidence;
  }

  async inspect(ref: DeviceRef, options: InspectOptions = none): Promise<DeviceState> {
    checkCall("inspect", options);
    const work = await this.#work(ref, options.signal);
    try {
      const state = await this.#probeOf(work).inspect(work.step(work.readTimeout));
      const held = evidenceHeld(work.device);
      if (held !== undefined) await work.witness.holdAgainst(held, state);
      return state;
    } catch (error) {
      throw ofRead(error, work.id);
    }
  }

  update(ref: DeviceRef, artifact: Artifact, options: UpdateOptions = none): Promise<DeviceOutcome> {
    return this.#update(ref, artifact, options);
  }

  async #update(ref: DeviceRef, artifact: Artifact, options: UpdateOptions, lane?: Lane): Promise<DeviceOutcome> {
    checkArtifact(artifact);
    checkCall("update", options);
    const verification = resolveVerification(options.verification, this.#options.verification);
    const work = await this.#work(ref, options.signal, verification);
    checkToken(options.resume, work, artifact);
    const turn = this.#enter(work, lane);
    if (turn !== undefined) await turn;
    try {
      const outcome = await update(work, artifact, options);
      this.#shared.emit?.({ type: "outcome", device: work.id, outcome });
      return outcome;
    } finally {
      this.#leave(work, lane);
    }
  }

  pushMany(
    devices: Walk<DeviceRef>,
    artifact: ArtifactChoice,
    options: PushManyOptions = none,
  ): AsyncIterable<DeviceOutcome> {
    const { registry, options: resolved } = this.#shared;
    const run: FleetRun = {
      push: (device, opened, call, lane, trail) => this.#push(device, opened, call, lane, trail),
      update: (device, opened, call, lane) => this.#update(device, opened, call, lane),
      registry,
      clock: resolved.clock,
      inFlight: resolved.inFlight,
    };
    return pushMany(run, devices, artifact, options);
  }

  async discard(ref: DeviceRef, token: ResumeToken, options: InspectOptions = none): Promise<void> {
    checkCall("discard", options);
    const work = await this.#work(ref, options.signal);
    checkToken(token, work, Object(token));
    const turn = this.#enter(work);
    if (turn !== undefined) await turn;
    try {
      await discard(work, token);
    } finally {
      this.#leave(work);
    }
  }

  statistics(): TransportStatistics {
    return this.#transport.statistics();
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort();
      const reason = closedError("prepare");
      this.#shared.sites.close(reason);
      this.#gate.dismiss(reason);
    }
    await this.#transport[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Everything that can be wrong with a call is found here, before any I/O with the device. */
  #work(
    ref: DeviceRef,
    signal: AbortSignal | undefined,
    verification = this.#options.verification,
  ): Work | Promise<Work> {
    if (this.#closing.signal.aborted) throw closedError("prepare");
    const found = resolveSubject(ref, this.#shared.registry);
    if (!(found instanceof Promise)) return this.#workFor(found, signal, verification);
    return found.then((device) => this.#workFor(device, signal, verification));
  }

  #workFor(device: Device, signal: AbortSignal | undefined, verification: VerificationOptions): Work {
    if (signal?.aborted) throw abortedError(signal, "prepare", device.id);
    return new Work(device, this.#shared, signal, verification);
  }

  /** Takes the device, and a place among those under way; nothing to await when there is one. */
  #enter(work: Work, lane?: Lane): Promise<void> | undefined {
    const device = work.id;
    if (this.#underWay.has(device)) {
      throw new FlashwaveError(
        "attempt_in_flight",
        "This client already sends to this device. Await that call first.",
        {
          phase: "prepare",
          device,
          retryable: true,
        },
      );
    }
    this.#underWay.add(device);
    return enterAll(work, this.#gate, lane)?.catch((error: unknown) => {
      this.#underWay.delete(device);
      throw error;
    });
  }

  #leave(work: Work, lane?: Lane): void {
    this.#gate.leave();
    lane?.gate.leave();
    work.site?.leave();
    this.#underWay.delete(work.id);
  }

  #probeOf(work: Work): NonNullable<Work["probe"]> {
    if (work.probe !== undefined) return work.probe;
    throw new FlashwaveError(
      "no_probe",
      "The device's state cannot be read. Give its profile an inspect request, or name a probe.",
      {
        phase: "prepare",
        device: work.device.id,
      },
    );
  }
}

/** These say outright what the device runs, and that it is not the artifact. */
const runsAnother: ReadonlySet<FlashwaveErrorCode> = new Set(["not_updated", "wrong_version", "wrong_digest"]);

/** A verification that may take back what an earlier one proved. */
async function verifyAgainst(
  work: Work,
  probe: Probe,
  artifact: Artifact,
  since: Receipt | undefined,
  earlier: Evidence | undefined,
): Promise<Evidence> {
  if (earlier === undefined) return work.verify(probe, artifact, since);
  const watched = work.witness.watching(probe);
  try {
    return await work.verify(watched, artifact, since);
  } catch (error) {
    if (isFlashwaveError(error) && runsAnother.has(error.code)) await work.witness.holdAgainst(earlier);
    throw error;
  }
}
