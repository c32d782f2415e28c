import type { Artifact } from "../core/artifact.ts";
import type { DeliverySession, Probe } from "../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError, type Phase } from "../core/errors.ts";
import type { DeviceOutcome, DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import { judge } from "./evidence.ts";
import type { UpdateOptions } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import type { Work } from "./work.ts";

/**
 * One device from end to end, and never further than what was seen:
 *
 *   inspect → send → settle → activate → verify → commit
 *
 * It resolves with an outcome whatever happens to the device; only a fault in the call itself throws.
 */
export async function update(work: Work, artifact: Artifact, options: UpdateOptions): Promise<DeviceOutcome> {
  const outcomes = new Outcomes(work.device.id, artifact.ref, work.options.clock);
  const outcome = await run(work, artifact, options, outcomes);
  try {
    return await work.recorded(outcome);
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return outcomes.ended(error, "receipt" in outcome ? outcome.receipt : undefined);
  }
}

async function run(work: Work, artifact: Artifact, options: UpdateOptions, outcomes: Outcomes): Promise<DeviceOutcome> {
  let receipt: Receipt | undefined;
  try {
    if (work.probe === undefined) throw noProbe(work.device.id);
    const before = await work.inspectPatiently(work.probe);
    if (!options.force && runsAlready(work, artifact, before)) return outcomes.skipped(before);
    const session = work.open();
    await using _closing = { [Symbol.asyncDispose]: async () => session.close?.() };
    receipt = await work.send(session, artifact, options, before);
    if (session.settle !== undefined) {
      const settled = await session.settle(receipt, work.step(work.verification.deadline));
      if (settled === "staged") return outcomes.staged(receipt);
    }
    if (options.activate === false && !receipt.activated) return outcomes.staged(receipt);
    receipt = await activate(work, session, receipt);
    const evidence = await prove(work, work.probe, session, artifact, receipt);
    return outcomes.updated(receipt, evidence);
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    return outcomes.ended(inContext(error, { device: work.device.id }), receipt);
  }
}

/** What the device reports cannot be told from what it would report afterwards. */
function runsAlready(work: Work, artifact: Artifact, before: DeviceState): boolean {
  const reading = judge(before, work.expectation(artifact, undefined));
  if (reading.kind === "wrong-device") {
    throw new FlashwaveError(
      "wrong_device",
      `The device at this address calls itself ${JSON.stringify(before.deviceId)}, so nothing was sent. Correct the address.`,
      { phase: "inspect" },
    );
  }
  return reading.kind === "match";
}

/** Tells the device to install. A lost answer is no failure: what the device then runs decides. */
export async function activate(work: Work, session: DeliverySession, receipt: Receipt): Promise<Receipt> {
  if (receipt.activated || session.activate === undefined) return receipt;
  try {
    await session.activate(receipt, work.step(work.readTimeout));
  } catch (error) {
    if (!isFlashwaveError(error) || !answerLost(error)) throw error;
  }
  return { ...receipt, activated: true };
}

function answerLost(error: FlashwaveError): boolean {
  return error.code === "connection_lost" || error.code === "response_timeout" || error.code === "device_error";
}

/** Verification, and with it the end of a trial: a device that has one keeps the version only once it was proven. */
async function prove(
  work: Work,
  probe: Probe,
  session: DeliverySession,
  artifact: Artifact,
  receipt: Receipt,
): Promise<Evidence> {
  let evidence: Evidence;
  try {
    evidence = await work.verify(probe, artifact, receipt);
  } catch (error) {
    if (isFlashwaveError(error) && error.code === "unhealthy") await endTrial(work, session, receipt, "rollback");
    throw error;
  }
  await endTrial(work, session, receipt, "commit");
  return evidence;
}

async function endTrial(
  work: Work,
  session: DeliverySession,
  receipt: Receipt,
  phase: Extract<Phase, "commit" | "rollback">,
): Promise<void> {
  await session[phase]?.(receipt, work.step(work.readTimeout));
}

function noProbe(device: string): FlashwaveError {
  return new FlashwaveError(
    "no_probe",
    "The device's state cannot be read, so an update could not be proven and nothing was sent. Give its profile an inspect request, name a probe, or use push().",
    { phase: "prepare", device },
  );
}
