import type { DeliveryTraits } from "../core/delivery.ts";
import type { FlashwaveError, FlashwaveErrorCode } from "../core/errors.ts";

export interface RetryOptions {
  /** Attempts in all, the first included. Default 3. */
  readonly attempts: number;
  /** Milliseconds: the ceiling of the first delay; it doubles with every attempt. Default 1,000. */
  readonly base: number;
  /** Milliseconds: the highest ceiling of any delay. Default 60,000. */
  readonly cap: number;
  /** Milliseconds: the base after 408, 429 and 503 without `Retry-After`. Default 5,000. */
  readonly busyBase: number;
  /** Milliseconds between the two reads that must both show the old version before a send is repeated. Default 5,000. */
  readonly quietPeriod: number;
}

/**
 * What to do about a failed attempt.
 *
 * - `retry`: nothing reached the device, or it certainly changed nothing. Send again after a delay.
 * - `read`: the device may have the bytes. Read it, then decide.
 * - `give-up`: trying again cannot help. `read: true`: read once anyway, since a part may have been written.
 */
export type Decision =
  | { readonly next: "retry"; readonly deferred?: number }
  | { readonly next: "read" }
  | { readonly next: "give-up"; readonly read: boolean };

/** No byte of the artifact left. */
const notSent: ReadonlySet<FlashwaveErrorCode> = new Set(["connect_failed", "connect_timeout", "upload_gone"]);

/** After these the device may or may not have acted on what it was sent. */
const ambiguous: ReadonlySet<FlashwaveErrorCode> = new Set([
  "early_reply",
  "device_error",
  "device_busy",
  "connection_lost",
  "stall_timeout",
  "response_timeout",
  "deadline_exceeded",
  "malformed_reply",
  "reply_too_large",
]);

/** The fault matrix as a function: pure, so that it can be read and tested as a table. */
export function decide(error: FlashwaveError, traits: DeliveryTraits): Decision {
  if (notSent.has(error.code)) return { next: "retry" };
  const status = error.reply?.status;
  if (error.code === "device_busy" && status !== undefined && traits.refusals.has(status)) {
    return error.reply?.retryAfter === undefined
      ? { next: "retry" }
      : { next: "retry", deferred: error.reply.retryAfter };
  }
  if (ambiguous.has(error.code)) return { next: "read" };
  return { next: "give-up", read: readWorthwhile(error) };
}

/** A refused or redirected upload may still have written a part; our own faults and a caller's abort are not asked about. */
function readWorthwhile(error: FlashwaveError): boolean {
  return (error.code === "refused" || error.code === "redirected") && error.bytesOut !== "none";
}

/** Whether the same bytes may be sent again although nobody could read what became of the first time. */
export function repeatable(traits: DeliveryTraits): boolean {
  return traits.repeat !== "unsafe";
}

/**
 * Milliseconds before attempt `attempt + 1`: full jitter below a doubling, capped ceiling, unless the device itself
 * named a time.
 */
export function backoff(
  attempt: number,
  decision: Decision,
  error: FlashwaveError,
  options: RetryOptions,
  random: () => number,
): number {
  if (decision.next === "retry" && decision.deferred !== undefined) return decision.deferred;
  const base = error.code === "device_busy" ? options.busyBase : options.base;
  return Math.floor(random() * Math.min(options.cap, base * 2 ** (attempt - 1)));
}
