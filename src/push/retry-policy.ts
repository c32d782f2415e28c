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
 * What to do about a failed attempt. `deferred`: the milliseconds for which the device asked to be left alone.
 *
 * - `retry`: nothing reached the device, or it certainly changed nothing. Send again after a delay.
 * - `read`: the device may have the bytes. Read it, then decide; `final`: but do not send again.
 * - `give-up`: trying again cannot help. `read: true`: read once anyway, since a part may have been written.
 */
export type Decision =
  | { readonly next: "retry"; readonly deferred?: number }
  | { readonly next: "read"; readonly deferred?: number; readonly final?: boolean }
  | { readonly next: "give-up"; readonly read: boolean };

/** No byte of the artifact left, or, where the device fetched none, none can leave any more: its URL is void. */
const notSent: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connect_failed",
  "connect_timeout",
  "upload_gone",
  "not_fetched",
]);

/** After these the device may or may not have acted on what it was sent. */
const ambiguous: ReadonlySet<FlashwaveErrorCode> = new Set([
  "early_reply",
  "device_error",
  "connection_lost",
  "stall_timeout",
  "response_timeout",
  "deadline_exceeded",
  "malformed_reply",
  "reply_too_large",
]);

/**
 * The fault matrix as a function: pure, so that it can be read and tested as a table.
 *
 * A busy device that declares to have changed nothing is believed before its first byte, and where nobody can check.
 * Once bytes had left it is read all the same: that a refusal changes nothing is mostly an adapter's guess.
 *
 * @param readable whether there is a probe for this device
 */
export function decide(error: FlashwaveError, traits: DeliveryTraits, readable = true): Decision {
  if (notSent.has(error.code)) return { next: "retry" };
  // The device's own verdict is certain, wherever it was heard.
  if (error.code === "device_error" && error.phase === "settle") {
    return error.retryable ? { next: "retry" } : { next: "give-up", read: error.bytesOut !== "none" };
  }
  // What failed before the send had begun left nothing to doubt.
  if (ambiguous.has(error.code) && error.phase === "connect") return { next: "retry" };
  if (error.code === "device_busy") {
    const believed =
      error.phase === "connect" || (isRefusal(error, traits) && (error.bytesOut === "none" || !readable));
    const deferred = error.reply?.retryAfter;
    return { next: believed ? "retry" : "read", ...(deferred !== undefined && { deferred }) };
  }
  // It cannot do that (501, 505), or says that it will not have these bytes: a repetition would be answered alike.
  if (error.code === "device_error" && !error.retryable) return { next: "read", final: true };
  if (ambiguous.has(error.code) || brokeTls(error)) return { next: "read" };
  return { next: "give-up", read: readWorthwhile(error) };
}

/** Whether a decision says by itself that there is no further attempt. */
export function isFinal(decision: Decision): boolean {
  return decision.next === "give-up" || (decision.next === "read" && decision.final === true);
}

/** The decision about a failed read. A device that is starting may answer with a page of its own before it can tell its state. */
export function decideRead(error: FlashwaveError): Decision {
  return error.code === "unreadable_state" ? { next: "retry" } : decide(error, readTraits);
}

/** Reading is idempotent by nature; a refusal is final. */
const readTraits: DeliveryTraits = {
  resumable: false,
  repeat: "idempotent",
  refusals: new Set([401, 403, 404, 405, 429, 503]),
  verdict: "reply",
  activates: "itself",
};

/** Whether an order (to install, say) may have been followed although it ended in this error. */
export function leavesOpen(error: FlashwaveError, traits: DeliveryTraits): boolean {
  const decision = decide(error, traits);
  return decision.next === "read" && !isFinal(decision) && !isRefusal(error, traits);
}

function isRefusal({ reply }: FlashwaveError, { refusals }: DeliveryTraits): boolean {
  return reply !== undefined && refusals.has(reply.status);
}

/** A session that broke once a request was on its way is a lost connection; a handshake that failed is final. */
export function brokeTls({ code, phase }: FlashwaveError): boolean {
  return code === "tls_failed" && phase !== "connect";
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
 * Milliseconds before attempt `attempt + 1`: full jitter below a doubling, capped ceiling. A time that the device itself
 * named is waited out first, so that devices behind one busy server, which names one time to all, do not come back at once.
 */
export function backoff(
  attempt: number,
  decision: Decision,
  error: FlashwaveError,
  options: RetryOptions,
  random: () => number,
): number {
  const deferred = decision.next === "give-up" ? undefined : decision.deferred;
  const base = error.code === "device_busy" ? options.busyBase : options.base;
  const ceiling = Math.min(options.cap, deferred === undefined ? base * 2 ** (attempt - 1) : base);
  return (deferred ?? 0) + Math.floor(random() * ceiling);
}
