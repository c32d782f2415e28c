import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { DeviceState } from "../core/outcome.ts";
import { type Expectation, judge, type Reading } from "./evidence.ts";
import { endsReading, type VerificationRun } from "./verification.ts";

/**
 * What a read after an ambiguous attempt shows. `arrived`: the device runs the artifact. `intact`: it showed the same
 * other image twice, a quiet period apart, so it is idle and the send may be repeated. `unclear`: neither.
 */
export type Readback =
  /** Nothing can be read, but the protocol promises that sending twice is sending once. */
  | { readonly kind: "repeatable" }
  | { readonly kind: "arrived"; readonly state: DeviceState }
  | { readonly kind: "intact"; readonly state: DeviceState }
  /** `seen`: it answered to the end, and the end came before the quiet period was over. */
  | { readonly kind: "unclear"; readonly error?: FlashwaveError; readonly seen?: DeviceState };

const firstPause = 250;
const longestPause = 60_000;

/**
 * Reads the device after an attempt of which nobody knows what became. It goes on until the device answers (it may be
 * restarting into the new image), or the run's deadline passes.
 *
 * @param wholly whether the device may have been given all bytes
 */
export async function readback(run: VerificationRun, quietPeriod: number, wholly: boolean): Promise<Readback> {
  const { clock, expected, waiting, signal, emit, probe } = run;
  const device = expected.device;
  const end = clock.now() + run.deadline;
  let pause = firstPause;
  let quiet: { readonly state: DeviceState; readonly since: number } | undefined;
  let lastError: FlashwaveError | undefined;
  for (;;) {
    try {
      const began = clock.now();
      const state = await probe.inspect({
        deadline: Math.min(end, clock.now() + run.readTimeout),
        ...(signal && { signal }),
      });
      emit?.({ type: "read", device, state });
      const reading = judge(state, expected, began);
      if (arrived(reading, expected, wholly)) return { kind: "arrived", state };
      if (reading.kind === "wrong-device" || reading.kind === "wrong-digest") return { kind: "unclear" };
      if (quiet === undefined || !same(quiet.state, state)) quiet = { state, since: clock.now() };
      else if (clock.now() - quiet.since >= quietPeriod) {
        return untouched(reading, state, expected) ? { kind: "intact", state } : { kind: "unclear" };
      }
    } catch (error) {
      if (!isFlashwaveError(error) || error.code === "aborted" || error.code === "client_closed") throw error;
      emit?.({ type: "read", device, error });
      if (endsReading(error)) return { kind: "unclear", error };
      // The read that the end cuts off says less than what was seen before it.
      if (error.code !== "deadline_exceeded" || clock.now() < end || quiet === undefined) {
        lastError = error;
        quiet = undefined;
      }
    }
    const left = end - clock.now();
    if (left <= 0) {
      if (quiet !== undefined) return { kind: "unclear", seen: quiet.state };
      return { kind: "unclear", ...(lastError && { error: lastError }) };
    }
    const wanted = quiet === undefined ? pause : Math.max(1, Math.ceil(quiet.since + quietPeriod - clock.now()));
    await waiting.sleep(Math.min(left, wanted), "send", device, signal);
    if (quiet === undefined) pause = Math.min(longestPause, pause * 2);
  }
}

/** A device that ran the artifact before, or was never given all of it, must show more than its version. */
function arrived(reading: Reading, expected: Expectation, wholly: boolean): boolean {
  if (reading.kind !== "match") return false;
  const before = expected.since?.before;
  if (reading.proved === "digest" || (before !== undefined && judge(before, expected).kind === "old")) return true;
  // Without an earlier read, a version that was there already is told from one that arrived by the boot alone.
  return wholly && (before === undefined ? reading.boot !== "unclear" : reading.boot === "seen");
}

/** The old image still runs. An artifact sent over itself shows as the same image without a boot. */
function untouched(reading: Reading, state: DeviceState, expected: Expectation): boolean {
  const before = expected.since?.before;
  if (reading.kind === "old") return true;
  return (
    (reading.kind === "no-boot" ||
      (reading.kind === "match" && reading.boot !== "unclear") ||
      reading.kind === "indistinct" ||
      reading.kind === "unclear") &&
    (before === undefined || same(before, state))
  );
}

function same(a: DeviceState, b: DeviceState): boolean {
  return a.version === b.version && a.digest === b.digest && a.bootId === b.bootId && a.slot === b.slot;
}

/** One read after a refusal, since a part may have been written: what it shows goes into the message. */
export async function readOnce(run: VerificationRun, fault: FlashwaveError): Promise<FlashwaveError> {
  const { clock, expected, emit, probe, signal } = run;
  const device = expected.device;
  try {
    const state = await probe.inspect({ deadline: clock.now() + run.readTimeout, ...(signal && { signal }) });
    emit?.({ type: "read", device, state });
    return inContext(fault, {
      message: `${fault.message} Read afterwards, the device reports version ${JSON.stringify(state.version)}.`,
    });
  } catch (error) {
    if (!isFlashwaveError(error) || error.code === "aborted" || error.code === "client_closed") throw error;
    emit?.({ type: "read", device, error });
    return inContext(fault, { message: `${fault.message} It could not be read afterwards (${error.code}).` });
  }
}

/** The error of an attempt whose outcome stays unknown; the attempt's own fault is the cause. */
export function unknownOutcome(fault: FlashwaveError, why: string, device: string, attempt: number): FlashwaveError {
  return new FlashwaveError(
    "outcome_unknown",
    `After ${fault.code} nobody knows whether the device has the bytes: ${why} Read the device before sending again.`,
    {
      phase: "send",
      bytesOut: fault.bytesOut,
      device,
      attempt,
      cause: fault,
      ...(fault.reply && { reply: fault.reply }),
    },
  );
}
