import type { Clock } from "../core/clock.ts";
import type { Probe } from "../core/delivery.ts";
import { type FlashwaveError, type FlashwaveErrorCode, inContext, isFlashwaveError } from "../core/errors.ts";
import type { ClientEvent } from "../core/events.ts";
import type { DeviceState, Evidence } from "../core/outcome.ts";
import { type Expectation, evidenceOf, type Fold, fold, nothingRead, type Verdict } from "./evidence.ts";
import { brokeTls } from "./retry-policy.ts";
import { isNo, ruledOut, unproven } from "./unproven.ts";
import type { Waiting } from "./waiting.ts";

export interface VerificationOptions {
  /** Milliseconds until an unproven verification ends. Default 900,000. */
  readonly deadline: number;
  /** Milliseconds for which the device must be seen running the artifact. Default 5,000. */
  readonly stableFor: number;
  /** Whether a device that reports boots must have booted since the send. Default true. */
  readonly newBoot: boolean;
}

export interface VerificationRun {
  readonly probe: Probe;
  readonly expected: Expectation;
  readonly deadline: number;
  /** Milliseconds that one read may take. */
  readonly readTimeout: number;
  readonly clock: Clock;
  readonly waiting: Waiting;
  readonly emit?: ((event: ClientEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const firstPause = 250;
const longestPause = 60_000;

/** After these a further read cannot help, or would be about another device. */
const final: ReadonlySet<FlashwaveErrorCode> = new Set([
  "aborted",
  "client_closed",
  "address_denied",
  "credentials_failed",
  "invalid_path",
  "invalid_header",
  "invalid_profile",
  "tls_failed",
  "pin_mismatch",
  "refused",
  "redirected",
]);

export function endsReading(error: FlashwaveError): boolean {
  return final.has(error.code) && !brokeTls(error);
}

/** Reads the device until the evidence is complete and stable, or the deadline passes. */
export async function verification(run: VerificationRun): Promise<Evidence> {
  const { clock, expected, waiting, signal } = run;
  const device = expected.device;
  const end = clock.now() + run.deadline;
  let known: Fold = nothingRead;
  let pause = firstPause;
  let lastError: FlashwaveError | undefined;
  let unwell: FlashwaveError | undefined;
  /** Whether the last read that was given its time failed. */
  let dark = true;
  for (;;) {
    const began = clock.now();
    const { state, error } = await read(run, end);
    // The read that the end cuts off says less than what was seen before it.
    if (error !== undefined) lastError = error.code === "deadline_exceeded" ? (lastError ?? error) : error;
    if (error?.code !== "deadline_exceeded" || clock.now() < end) dark = state === undefined;
    let verdict: Verdict;
    [known, verdict] = fold(known, state, clock.now(), expected, began);
    if (verdict === "proven") {
      const health = await checkHealth(run, end);
      if (!isFlashwaveError(health)) return evidenceOf(known, health, expected);
      lastError = health;
      // A "no" stands until a "yes"; a question that got no answer takes nothing back.
      if (unwell === undefined || !isNo(unwell)) unwell = health;
    } else if (verdict !== "poll" && verdict !== "hold") {
      throw ruledOut(verdict, known, expected);
    }
    const left = end - clock.now();
    if (left <= 0) throw unproven(known, expected, { lastError, unwell, dark, deadline: run.deadline });
    if (verdict === "hold" && known.row !== undefined) {
      // One read at the end of the row is enough where a boot in between would show; others are read on the way too.
      const due = Math.max(1, Math.ceil(known.row.since + expected.stableFor - clock.now()));
      const tells = state?.bootId !== undefined || state?.uptime !== undefined;
      await waiting.sleep(Math.min(left, due, tells ? due : pause), "verify", device, signal);
      pause = tells ? firstPause : Math.min(longestPause, pause * 2);
    } else {
      await waiting.sleep(Math.min(left, pause), "verify", device, signal);
      pause = Math.min(longestPause, pause * 2);
    }
  }
}

async function read(run: VerificationRun, end: number): Promise<{ state?: DeviceState; error?: FlashwaveError }> {
  const { clock, expected, emit, probe, signal } = run;
  const device = expected.device;
  try {
    const state = await probe.inspect({
      deadline: Math.min(end, clock.now() + run.readTimeout),
      ...(signal && { signal }),
    });
    emit?.({ type: "read", device, state });
    return { state };
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    if (endsReading(error)) throw inContext(error, { device });
    emit?.({ type: "read", device, error });
    return { error };
  }
}

async function checkHealth(run: VerificationRun, end: number): Promise<Evidence["health"] | FlashwaveError> {
  const { clock, probe, signal } = run;
  if (probe.health === undefined) return "not-checked";
  try {
    await probe.health({ deadline: Math.min(end, clock.now() + run.readTimeout), ...(signal && { signal }) });
    return "ok";
  } catch (error) {
    if (!isFlashwaveError(error) || (endsReading(error) && error.code !== "refused")) throw error;
    return error;
  }
}
