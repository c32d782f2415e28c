import { FlashwaveError, type FlashwaveErrorContext } from "../core/errors.ts";
import type { DeviceState } from "../core/outcome.ts";
import type { Expectation, Fold, Verdict } from "./evidence.ts";

// What a verification that proved nothing tells: what was seen, and what to do next.

export function ruledOut(
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

export interface Unproven {
  readonly lastError: FlashwaveError | undefined;
  /** The device's "no" to its health check, else the last fault of asking. */
  readonly unwell: FlashwaveError | undefined;
  readonly dark: boolean;
  readonly deadline: number;
}

export function unproven(known: Fold, expected: Expectation, seen: Unproven): FlashwaveError {
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
export function isNo({ code }: FlashwaveError): boolean {
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
