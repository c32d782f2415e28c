/**
 * Where in one device's update a fault was seen. `prepare` is everything before any I/O: options, addresses, headers.
 */
export type Phase =
  | "prepare"
  | "artifact"
  | "registry"
  | "admission"
  | "connect"
  | "inspect"
  | "send"
  | "settle"
  | "activate"
  | "verify"
  | "commit"
  | "rollback";

/**
 * How much of a request's body had reached the socket when the fault was seen; in the error of an update or a send, how
 * much of the artifact had, with what stands around it: a form's head alone is "some", since a device may begin with it.
 */
export type BytesOut = "none" | "some" | "all";

/**
 * Every code a `FlashwaveError` can carry, with its meaning. Codes are stable: programs branch on them, never on messages.
 */
export const errorCodes = {
  // What the caller gave us. Nothing was sent.
  invalid_option: "an option has the wrong type or is out of range",
  invalid_address: "an address is not a plain http(s) origin",
  address_denied: "the address policy does not permit this address",
  invalid_header: "a header name or value could not be sent as given",
  invalid_path: "a request path could not be sent as given",
  invalid_profile: "a delivery profile does not make sense",
  unknown_delivery: "no delivery or probe of this kind was given to the client",
  unknown_device: "the registry holds no device with this id",
  no_registry: "a device was named by id, but the client has no registry",
  no_probe: "the device's state cannot be read, so nothing could be proven",
  no_version: "the artifact has no version, so nothing could be proven",
  credentials_failed: "a device's credentials could not be had, or cannot be sent as given",
  attempt_in_flight: "this client already has an attempt in flight for this device",
  client_closed: "the client was closed",
  aborted: "the caller's signal aborted",
  // The artifact.
  artifact_unreadable: "the artifact could not be opened or read",
  artifact_empty: "the artifact has no bytes",
  artifact_digest_mismatch: "the artifact's digest is not the expected one",
  artifact_changed: "the artifact's bytes changed after it was opened",
  artifact_not_replayable: "the source is a one-shot stream and spooling is off",
  artifact_disposed: "the artifact was disposed before or during use",
  spool_failed: "the temporary copy of a one-shot stream could not be written",
  // Admission: what the caller's policy does not let through. Nothing was sent.
  unsigned: "the policy asks for a signed manifest or signature, and the artifact has none",
  invalid_manifest: "the manifest is not one: its size, its grammar or a field is wrong",
  untrusted: "fewer trusted keys than the policy asks for have signed",
  manifest_expired: "the manifest's time is over",
  manifest_mismatch: "the artifact is not the one that its manifest names",
  wrong_hardware: "the artifact is for other hardware than the device's",
  hardware_unknown: "the artifact is for certain hardware, and the device does not tell what it is",
  version_too_old:
    "the device runs a version older than the oldest that the artifact may replace, or one that cannot be compared",
  downgrade_refused:
    "the artifact is older than what is permitted, or cannot be compared with what runs, and no approval covers it",
  invalid_approval: "an approval is none: its size, its grammar or a field is wrong",
  // The wire.
  connect_failed: "no connection could be opened",
  connect_timeout: "no connection within the connect timeout",
  tls_failed: "the TLS handshake or the certificate check failed",
  pin_mismatch: "the certificate matches none of the pins",
  stall_timeout: "the device stopped reading",
  response_timeout: "the device did not answer in time after the last byte",
  deadline_exceeded: "the whole exchange took longer than size and minimum rate allow",
  connection_lost: "the connection ended before the answer was complete",
  malformed_reply: "the device's answer is not HTTP",
  reply_too_large: "the device's answer is larger than the cap",
  // The device's site, which it shares with others.
  site_unavailable: "too many attempts at the device's site found no connection; nothing was sent to this one",
  retry_budget_spent: "another attempt was due, but so much failed at the device's site that its retry budget is spent",
  // What the device answered.
  refused: "the device refused with a 4xx",
  device_busy: "the device asked to be left alone for now (408, 429, 503)",
  device_error: "the device answered 5xx, or its answer says that it failed",
  redirected: "the device answered 3xx; redirects are never followed",
  unsupported: "the device does not speak its delivery's protocol, or not the version or extension that is needed",
  artifact_too_large: "the device takes no artifact of this size; nothing was sent",
  upload_gone: "the device no longer knows the upload that was to go on; its token is void",
  early_reply: "the device answered 2xx before it had been given the whole body",
  not_fetched: "the device was told where to fetch the artifact, and fetched nothing of it",
  // What the device runs.
  unreadable_state: "the device answered, but its state could not be read from the answer",
  not_updated: "the device still runs the old version",
  wrong_version: "the device stably runs a version that is neither the old nor the new one",
  wrong_digest: "the device reports the right version with another digest",
  wrong_device: "another device answers at this address",
  unhealthy: "the device runs the new version, but its health check fails",
  unverified: "the device's state could not be read before the deadline",
  outcome_unknown: "the bytes may or may not have been installed; read the device before sending again",
  // The registry.
  registry_failed: "the registry could not be read or written",
  invalid_cursor: "a page or feed cursor was not issued by this registry",
} as const;

export type FlashwaveErrorCode = keyof typeof errorCodes;

/** What the device answered, as far as it is kept. Never printed by `message` or `toJSON`. */
export interface ErrorReply {
  readonly status: number;
  /** Milliseconds to wait, from `Retry-After` (RFC 9110 §10.2.3), already clamped. */
  readonly retryAfter?: number;
  /** At most 1 KiB of the body as text, control characters removed. */
  readonly excerpt?: string;
}

export interface FlashwaveErrorContext {
  readonly phase: Phase;
  /** Whether trying the same thing again can help. It says nothing about whether that is *safe*: see `bytesOut`. */
  readonly retryable?: boolean;
  readonly bytesOut?: BytesOut;
  readonly device?: string;
  readonly attempt?: number;
  readonly reply?: ErrorReply;
  readonly cause?: unknown;
}

const brand = Symbol.for("flashwave.error");

/**
 * The only error this package throws on purpose.
 *
 * `message` says what was seen and what to do next; it never holds a response body, a header value or a secret.
 */
export class FlashwaveError<Code extends FlashwaveErrorCode = FlashwaveErrorCode> extends Error {
  readonly code: Code;
  readonly phase: Phase;
  readonly retryable: boolean;
  readonly bytesOut: BytesOut;
  readonly device: string | undefined;
  readonly attempt: number | undefined;
  declare readonly reply: ErrorReply | undefined;

  constructor(code: Code, message: string, context: FlashwaveErrorContext) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.phase = context.phase;
    this.retryable = context.retryable ?? false;
    this.bytesOut = context.bytesOut ?? "none";
    this.device = context.device;
    this.attempt = context.attempt;
    // Not enumerable: a console.log or a JSON logger must not print what a device sent.
    Object.defineProperty(this, "reply", { value: context.reply, enumerable: false });
    Object.defineProperty(this, brand, { value: true, enumerable: false });
  }

  override get name(): string {
    return "FlashwaveError";
  }

  toJSON(): Record<string, unknown> {
    const { code, phase, message, retryable, bytesOut, device, attempt } = this;
    return { code, phase, message, retryable, bytesOut, device, attempt, status: this.reply?.status };
  }
}

/** The same error, told of a device and an attempt, or with more to say. The stack and the cause stay those of the original. */
export function inContext(
  error: FlashwaveError,
  context: Partial<Pick<FlashwaveErrorContext, "phase" | "bytesOut" | "device" | "attempt">> & {
    readonly message?: string;
  },
): FlashwaveError {
  const { code, message, phase, retryable, bytesOut, device, attempt, reply, cause, stack } = error;
  const told = new FlashwaveError(code, context.message ?? message, {
    phase,
    retryable,
    bytesOut,
    ...(device !== undefined && { device }),
    ...(attempt !== undefined && { attempt }),
    ...(reply !== undefined && { reply }),
    ...(cause !== undefined && { cause }),
    ...context,
  });
  if (stack !== undefined) Object.defineProperty(told, "stack", { value: stack, writable: true, configurable: true });
  return told;
}

/** A type guard that also recognises an error made by another copy of this package. */
export function isFlashwaveError(value: unknown): value is FlashwaveError {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}
