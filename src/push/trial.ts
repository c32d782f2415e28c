import type { Artifact } from "../core/artifact.ts";
import type { DeliverySession, Probe } from "../core/delivery.ts";
import { FlashwaveError, type FlashwaveErrorCode, inContext, isFlashwaveError } from "../core/errors.ts";
import type { DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import { judge, type Reading } from "./evidence.ts";
import { interruptions } from "./outcomes.ts";
import type { Work } from "./work.ts";

/** What the ends of a trial are made of. */
export interface OnTrial {
  readonly work: Work;
  readonly probe: Probe;
  readonly session: DeliverySession;
  readonly artifact: Artifact;
  /** Absent where the device ran the artifact before anything was sent. */
  readonly receipt?: Receipt;
}

/**
 * After these the device runs what it was sent, or says that it does, on trial. Not after `not_updated`,
 * `wrong_version` and `wrong_device`: there is nothing of ours to take back, and a rollback would take back somebody
 * else's. Nor after `unverified`: nobody knows, and the device's own trial will decide.
 */
const disproved: ReadonlySet<FlashwaveErrorCode> = new Set(["unhealthy", "wrong_digest"]);

/**
 * Verification, and with it the end of a trial: the version is kept only once it was proven, and taken back where it
 * runs and is no good.
 *
 *     verify ─┬─ proven ─────▶ commit ─▶ read: still there? ─▶ evidence
 *             ├─ disproved ──▶ read: does what was sent run? ─▶ roll back
 *             └─ neither ────▶ nothing: on trial, the device goes back by itself
 */
export async function prove(trial: OnTrial): Promise<Evidence> {
  const { work, probe, session, artifact, receipt } = trial;
  let evidence: Evidence;
  try {
    evidence = await work.verify(probe, artifact, receipt);
  } catch (error) {
    throw isFlashwaveError(error) && disproved.has(error.code) ? await takenBack(trial, error) : error;
  }
  if (session.commit !== undefined) await keep(trial, evidence);
  return evidence;
}

/**
 * For a device that ran the artifact before anything was sent: a push, or an update that broke off, may have left it on
 * trial. Where there is a commit it is proven and committed like any other; where it is not proven it is left alone.
 *
 * @param before the read that showed the artifact
 * @returns what it ran when it was last read
 */
export async function proveAnew(trial: OnTrial, before: DeviceState): Promise<DeviceState> {
  const { work, probe, session, artifact } = trial;
  if (session.commit === undefined) return before;
  try {
    const evidence = await work.verify(probe, artifact, undefined);
    return await keep(trial, evidence);
  } catch (error) {
    throw isFlashwaveError(error) ? nothingSent(error, before) : error;
  }
}

/** The fault of a call that sent nothing, in words that do not take a send for granted. */
function nothingSent(fault: FlashwaveError, { version }: DeviceState): FlashwaveError {
  if (interruptions.has(fault.code)) {
    return inContext(fault, { bytesOut: "none", ...(fault.phase === "inspect" && { phase: "verify" }) });
  }
  if (fault.code !== "not_updated" || fault.phase === "commit") return inContext(fault, { bytesOut: "none" });
  const message = `The device reported version ${JSON.stringify(version)} at first and another then, before it was told to keep it: a trial of it may have ended. Nothing was sent. Update it again.`;
  return inContext(fault, { bytesOut: "none", message });
}

/**
 * Makes the version permanent. Its trial may have ended before, so what counts is what it runs afterwards.
 * @returns what it runs afterwards
 */
async function keep(trial: OnTrial, evidence: Evidence): Promise<DeviceState> {
  const { work, session, receipt } = trial;
  let fault: unknown;
  try {
    await session.commit?.(receipt, work.step(work.readTimeout));
  } catch (error) {
    if (isFlashwaveError(error) && interruptions.has(error.code)) throw error;
    fault = error;
  }
  const seen = await lookAgain(trial).catch((error: unknown) => {
    if (isFlashwaveError(error) && interruptions.has(error.code)) throw error;
    fault ??= error;
    return undefined;
  });
  if (seen?.reading.kind === "old") {
    await work.witness.holdAgainst(evidence, seen.state);
    throw wentBack(evidence, seen.state, fault);
  }
  if (fault !== undefined || seen?.reading.kind !== "match") throw uncommitted(evidence, fault, receipt);
  return seen.state;
}

/** The fault, and what was done about the trial. */
async function takenBack(trial: OnTrial, fault: FlashwaveError): Promise<FlashwaveError> {
  const { work, session, receipt } = trial;
  if (session.rollback === undefined || receipt === undefined) return fault;
  const told = (what: string) => inContext(fault, { message: `${fault.message} ${what}` });
  try {
    const { reading } = await lookAgain(trial);
    if (reading.kind !== "match" && reading.kind !== "wrong-digest") return fault;
  } catch (error) {
    return told(`It was not told to go back, since it could not be read (${codeOf(error)}).`);
  }
  try {
    await session.rollback(receipt, work.step(work.readTimeout));
    return told("It was told to go back.");
  } catch (error) {
    return told(`It could not be told to go back (${codeOf(error)}).`);
  }
}

async function lookAgain(trial: OnTrial): Promise<{ readonly state: DeviceState; readonly reading: Reading }> {
  const { work, probe, artifact, receipt } = trial;
  const state = await work.inspectPatiently(probe);
  work.emit?.({ type: "read", device: work.id, state });
  return { state, reading: judge(state, work.expectation(artifact, receipt)) };
}

function wentBack({ version }: Evidence, state: DeviceState, cause: unknown): FlashwaveError {
  return new FlashwaveError(
    "not_updated",
    `The device was seen running version ${JSON.stringify(version)}, but its trial ended before it was told to keep it: it is back at ${JSON.stringify(state.version)}. Give it a longer trial, or the verification a shorter deadline.`,
    { phase: "commit", bytesOut: "all", ...(cause !== undefined && { cause }) },
  );
}

/** Proven, but on trial: a device that was not told to keep the version goes back to the old one by itself. */
function uncommitted({ version }: Evidence, cause: unknown, receipt: Receipt | undefined): FlashwaveError {
  const perhaps =
    receipt === undefined ? " It ran that before, so that there may have been no trial to end: verify it then." : "";
  return new FlashwaveError(
    "outcome_unknown",
    `The device was seen running version ${JSON.stringify(version)}, but nobody knows whether it keeps it: the end of its trial was not acknowledged, or it could not be read after it. Read it again after its trial.${perhaps}`,
    { phase: "commit", bytesOut: "all", ...(cause !== undefined && { cause }) },
  );
}

const codeOf = (error: unknown): string => (isFlashwaveError(error) ? error.code : "not a FlashwaveError");
