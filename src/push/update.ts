import type { Artifact } from "../core/artifact.ts";
import type { DeliverySession } from "../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { DeviceOutcome, DeviceState, Receipt } from "../core/outcome.ts";
import type { Candidate } from "./admission/index.ts";
import { judge } from "./evidence.ts";
import { afterReceipt, otherDevice } from "./faults.ts";
import type { PushOptions, UpdateOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { Trail } from "./record/trail.ts";
import { evidenceHeld } from "./retraction.ts";
import { leavesOpen } from "./retry-policy.ts";
import { prove, proveAnew } from "./trial.ts";
import type { Work } from "./work.ts";

/**
 * One device from end to end, and never further than what was seen:
 *
 *   inspect → send → settle → activate → verify → commit
 *      └──────── runs it already ────────▶ verify → commit (both only where there is a commit)
 *
 * It resolves with an outcome whatever happens to the device; only a fault in the call itself throws.
 */
export async function update(work: Work, artifact: Artifact, options: UpdateOptions): Promise<DeviceOutcome> {
  const { clock } = work.options;
  const trail = new Trail(clock);
  work.trail = trail;
  const outcomes = new Outcomes(work.device.id, artifact.ref, clock, trail);
  const outcome = await run(work, artifact, options, outcomes);
  try {
    return await work.witness.recorded(outcome, evidenceHeld(work.device));
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return outcomes.ended(error, "receipt" in outcome ? outcome.receipt : undefined);
  }
}

async function run(work: Work, artifact: Artifact, options: UpdateOptions, outcomes: Outcomes): Promise<DeviceOutcome> {
  let receipt: Receipt | undefined;
  try {
    if (work.probe === undefined) throw noProbe(work.device.id);
    const candidate = await work.admission?.examine(work.id, artifact, options.approvals);
    const before = await work.inspectPatiently(work.probe);
    await work.witness.holdAgainst(evidenceHeld(work.device), before);
    const running = runsAlready(work, artifact, before) && !options.force;
    // Nothing more is sent to a device that runs it.
    if (candidate !== undefined && !running) admit(work, candidate, before);
    const session = work.open();
    await using _closing = { [Symbol.asyncDispose]: () => closeQuietly(session) };
    if (running) return outcomes.skipped(await proveAnew({ work, probe: work.probe, session, artifact }, before));
    receipt = await work.send(session, artifact, options, before);
    work.emit?.({ type: "sent", device: work.id, receipt });
    const settled = await settle(work, session, receipt);
    if (settled === "staged" && (receipt.activated || session.activate === undefined)) return outcomes.staged(receipt);
    if (options.activate === false && !receipt.activated) return outcomes.staged(receipt);
    receipt = await activate(work, session, receipt);
    const trial = { work, probe: work.probe, session, artifact, receipt };
    const evidence = await prove(trial).catch(underWay(settled));
    return outcomes.updated(receipt, evidence);
  } catch (error) {
    if (isFlashwaveError(error)) {
      const told = receipt === undefined ? inContext(error, { device: work.id }) : afterReceipt(error, work.id);
      return outcomes.ended(told, receipt);
    }
    if (receipt === undefined) throw error;
    return outcomes.ended(stray(error, work.device.id), receipt);
  }
}

/**
 * For a push under an admission policy: the device is read first only where a rule is about it.
 * @returns what was read
 */
export async function admitted(
  work: Work,
  artifact: Artifact,
  approvals: PushOptions["approvals"],
): Promise<DeviceState | undefined> {
  const candidate = await work.admission?.examine(work.id, artifact, approvals);
  if (candidate === undefined) return undefined;
  if (candidate.asksDevice && work.probe === undefined) throw unreadable(work.id);
  const before = candidate.asksDevice && work.probe !== undefined ? await work.inspectPatiently(work.probe) : undefined;
  admit(work, candidate, before);
  return before;
}

function admit(work: Work, candidate: Candidate, before: DeviceState | undefined): void {
  const admitted = candidate.admit(before);
  work.emit?.({ type: "admitted", device: work.id, admitted });
}

/** A session that cannot be closed changes nothing about what the device did. */
export async function closeQuietly(session: DeliverySession): Promise<void> {
  try {
    await session.close?.();
  } catch {
    // What became of the push is known already; to throw here would take it back.
  }
}

function stray(cause: unknown, device: string): FlashwaveError {
  return new FlashwaveError(
    "outcome_unknown",
    "The device has the bytes, but an adapter then threw something that is not a FlashwaveError. Read the device, and mend the adapter.",
    { phase: "verify", bytesOut: "all", device, cause },
  );
}

/**
 * Whether what the device reports is what it would report afterwards.
 * @throws `wrong_device`, and `no_version` where no later read could prove anything
 */
function runsAlready(work: Work, artifact: Artifact, before: DeviceState): boolean {
  const reading = judge(before, work.expectation(artifact, undefined));
  if (reading.kind === "wrong-device") throw otherDevice(before, "inspect");
  if (reading.kind === "incomparable") {
    throw new FlashwaveError(
      "no_version",
      "The artifact was opened without a version and the device reports no digest, so nothing could be proven and nothing was sent. Open the artifact with { version }, or use push().",
      { phase: "inspect" },
    );
  }
  return reading.kind === "match";
}

type Settled = "installed" | "staged" | "lost" | "under-way";

/** For a push: an order that comes before the device's own verdict could meet it in the middle of its work. */
export async function settleAndActivate(work: Work, session: DeliverySession, receipt: Receipt): Promise<Receipt> {
  try {
    await settle(work, session, receipt);
    return await activate(work, session, receipt);
  } catch (error) {
    throw isFlashwaveError(error) ? afterReceipt(error, work.id) : error;
  }
}

/**
 * The device's own verdict. One that was lost on the way is no failure either: `device_error` is its "no". `under-way`:
 * by the deadline it had said neither.
 */
async function settle(work: Work, session: DeliverySession, receipt: Receipt): Promise<Settled> {
  if (session.settle === undefined) return "lost";
  try {
    const { onInstalling } = work;
    return await session.settle(receipt, { ...work.step(work.verification.deadline), onInstalling });
  } catch (error) {
    if (!isFlashwaveError(error) || error.code === "device_error") throw error;
    if (!leavesOpen(error, session.traits)) throw error;
    return error.code === "deadline_exceeded" ? "under-way" : "lost";
  }
}

/** The old version is no failure of a device that may still be installing: to send again could spoil it. */
function underWay(settled: Settled): (error: unknown) => never {
  return (error) => {
    if (settled !== "under-way" || !isFlashwaveError(error) || error.code !== "not_updated") throw error;
    throw new FlashwaveError(
      "outcome_unknown",
      "The device took the artifact and had not said by the deadline how it ended; it still reports the old version. It may be installing: read it before sending again.",
      { phase: "verify", bytesOut: "all", cause: error },
    );
  };
}

/**
 * Tells the device to install. A lost answer is no failure: what the device then runs decides. But it is no
 * acknowledgement either, so the receipt does not say `activated`.
 */
async function activate(work: Work, session: DeliverySession, receipt: Receipt): Promise<Receipt> {
  if (receipt.activated || session.activate === undefined) return receipt;
  try {
    await session.activate(receipt, work.step(work.readTimeout));
  } catch (error) {
    if (!isFlashwaveError(error) || !leavesOpen(error, session.traits)) throw error;
    return receipt;
  }
  return { ...receipt, activated: true };
}

function noProbe(device: string): FlashwaveError {
  return new FlashwaveError(
    "no_probe",
    "The device's state cannot be read, so an update could not be proven and nothing was sent. Give its profile an inspect request, name a probe, or use push().",
    { phase: "prepare", device },
  );
}

function unreadable(device: string): FlashwaveError {
  return new FlashwaveError(
    "no_probe",
    "The admission policy asks what the device runs, and its state cannot be read, so nothing was sent. Give its profile an inspect request, or name a probe.",
    { phase: "admission", device },
  );
}
