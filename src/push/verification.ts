import type { Clock } from "../core/clock.ts";
import type { Probe } from "../core/delivery.ts";
import {
  FlashwaveError,
  type FlashwaveErrorCode,
  type FlashwaveErrorContext,
  inContext,
  isFlashwaveError,
} from "../core/errors.ts";
import type { ClientEvent } from "../core/events.ts";
import type { DeviceState, Evidence } from "../core/outcome.ts";
import { type Expectation, evidenceOf, type Fold, fold, nothingRead, type Verdict } from "./evidence.ts";
import { brokeTls } from "./retry-policy.ts";
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

function ruledOut(
  verdict: Exclude<Verdict, "poll" | "hold" | "proven">,
  known: Fold,
  expected: Expectation,
): FlashwaveError {
  const { device, artifact } = expected;
  const state = known.last?.state;
  const context = { phase: "verify", device, bytesOut: "all" } as const;
  switch (verdict) {
    case "wrong-version":
      return new FlashwaveError(
        "wrong_version",
        `The device stably reports version ${quote(state?.version)}, neither ${quote(artifact.version)} nor what it ran before. Find out who else updates it.`,
        context,
      );
    case "wrong-device":
      return new FlashwaveError(
        "wrong_device",
        `The device at this address calls itself ${quote(state?.deviceId)}. Correct the address before anything else is sent there.`,
        context,
      );
    case "wrong-digest":
      return new FlashwaveError(
        "wrong_digest",
        `The device reports version ${quote(state?.version)} with digest ${state?.digest}, but the artifact's is ${artifact.digest}. Find out where its image came from.`,
        context,
      );
    case "incomparable":
      return new FlashwaveError(
        "no_version",
        "The artifact was opened without a version and the device reports no digest, so nothing can be proven. Open the artifact with { version }.",
        context,
      );
    case "indistinct":
      return new FlashwaveError(
        "unverified",
        `The device reported version ${quote(state?.version)} before the send as well, and neither a boot nor a digest by which the images could be told apart. Have its profile name a digest or a boot id.`,
        context,
      );
    default:
      return verdict satisfies never;
  }
}

interface Unproven {
  readonly lastError: FlashwaveError | undefined;
  /** The device's "no" to its health check, else the last fault of asking. */
  readonly unwell: FlashwaveError | undefined;
  readonly dark: boolean;
  readonly deadline: number;
}

function unproven(known: Fold, expected: Expectation, seen: Unproven): FlashwaveError {
  const { lastError, unwell, dark, deadline } = seen;
  const { device, artifact } = expected;
  const context = { phase: "verify", device, bytesOut: "all", ...(lastError && { cause: lastError }) } as const;
  const within = `within ${deadline} ms and ${known.reads} reads`;
  const { last } = known;
  if (last === undefined) {
    const fault = lastError === undefined ? "" : ` Last fault: ${lastError.code}.`;
    return new FlashwaveError(
      "unverified",
      `The device's state could not be read ${within}.${fault} Read it before sending again.`,
      context,
    );
  }
  if (dark && last.reading.kind !== "match") {
    return new FlashwaveError(
      "unverified",
      `The device reported version ${quote(last.state.version)} and then fell silent ${within}: it may be restarting. Read it before sending again.`,
      context,
    );
  }
  if (last.reading.kind === "match") {
    if (unwell !== undefined) return notWell(unwell, last.state, within, context);
    return new FlashwaveError(
      "unverified",
      `The device was seen running ${quote(last.state.version)}, but not for ${expected.stableFor} ms without a break ${within}. Verify again with a longer deadline.`,
      context,
    );
  }
  if (last.reading.kind === "no-boot") {
    return new FlashwaveError(
      "not_updated",
      `The device reports version ${quote(last.state.version)}, but it did not restart ${within}. Restart it, or set verification.newBoot: false if it installs without one.`,
      context,
    );
  }
  if (last.reading.kind === "unclear") {
    return new FlashwaveError(
      "unverified",
      `The device reports version ${quote(last.state.version)} as before the send, and its uptime is too small or too coarse to tell ${within} whether it restarted. Have its profile name a digest or a boot id.`,
      context,
    );
  }
  return new FlashwaveError(
    "not_updated",
    `The device still reports version ${quote(last.state.version)} instead of ${quote(artifact.version)} ${within}. Read its own log before sending again.`,
    context,
  );
}

/** The device answered its health check, and not with a yes. */
function isNo({ code }: FlashwaveError): boolean {
  return code === "unhealthy" || code === "refused" || code === "device_error";
}

/** Only the device itself can say that it is not well, and then a trial is rolled back: a lost answer must not do that. */
function notWell(
  unwell: FlashwaveError,
  { version }: DeviceState,
  within: string,
  context: FlashwaveErrorContext,
): FlashwaveError {
  const advice = "Look at the device; without a health route set health: false";
  if (isNo(unwell)) {
    const message = `The device runs ${quote(version)}, but its health check did not pass ${within}. ${advice}.`;
    return new FlashwaveError("unhealthy", message, { ...context, cause: unwell });
  }
  return new FlashwaveError(
    "unverified",
    `The device runs ${quote(version)}, but its health check got no answer ${within} (${unwell.code}). ${advice}.`,
    { ...context, cause: unwell },
  );
}

const quote = (text: string | undefined): string => JSON.stringify(text ?? "");
