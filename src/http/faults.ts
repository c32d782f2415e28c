import { errors } from "undici";
import {
  type BytesOut,
  FlashwaveError,
  type FlashwaveErrorCode,
  isFlashwaveError,
  type Phase,
} from "../core/errors.ts";

/** Where an exchange stood when undici or Node reported an error. */
export interface FaultContext {
  readonly origin: string;
  readonly phase: Phase;
  /** Whether the request had begun to be written. Before that, everything is a failure to connect. */
  readonly started: boolean;
  /** Of the answer, 0 when none had begun. */
  readonly status: number;
  readonly bytesOut: BytesOut;
}

/** Whether trying the same thing again can help, for the codes that this room throws. */
const retryable: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connect_failed",
  "connect_timeout",
  "stall_timeout",
  "response_timeout",
  "deadline_exceeded",
  "connection_lost",
  "malformed_reply",
  "reply_too_large",
]);

/** What to do about it, for the faults that are told where they are seen, in words that know nothing of it. */
const advice: Readonly<Partial<Record<FlashwaveErrorCode, string>>> = {
  stall_timeout: "Check the device and the way to it, or raise timeouts.stall.",
  response_timeout: "Check the device and the way to it, or raise timeouts.response.",
  deadline_exceeded: "Check the device and the way to it, or give it more time: timeouts.minimumRate.",
  connection_lost: "Check the device and the way to it.",
  malformed_reply: "Check that the address and the port are the device's own.",
};

/** These change nothing at the device, however far they got. */
const reading: ReadonlySet<Phase> = new Set(["prepare", "connect", "inspect", "verify"]);

/** What was seen, and what to do next. */
function advised(code: FlashwaveErrorCode, seen: string, { phase, bytesOut, started }: FaultContext): string {
  const own = advice[code];
  const open = started && bytesOut !== "none" && !reading.has(phase);
  const interrupted = code === "aborted" || code === "client_closed" || code === "tls_failed";
  if (own === undefined && !interrupted) return seen;
  return [seen, own, open && "Read the device before anything more is sent to it."].filter(Boolean).join(" ");
}

export function wireError(
  code: FlashwaveErrorCode,
  message: string,
  context: FaultContext,
  cause?: unknown,
): FlashwaveError {
  const connecting =
    code === "connect_failed" || code === "connect_timeout" || (code === "tls_failed" && !context.started);
  return new FlashwaveError(code, advised(code, message, context), {
    phase: connecting ? "connect" : context.phase,
    retryable: retryable.has(code),
    bytesOut: context.bytesOut,
    ...(context.status >= 200 && { reply: { status: context.status } }),
    ...(cause !== undefined && { cause }),
  });
}

/** What an error of undici, Node or a body's source means, with the truth about what had left. */
export function fault(error: unknown, context: FaultContext): FlashwaveError {
  if (isFlashwaveError(error)) return passedOn(error, context);
  const code = codeOf(error);
  if (!context.started) return connectFault(code, error, context);
  const { origin } = context;
  if (code.startsWith("ERR_SSL_")) {
    return wireError("tls_failed", `${origin} ended the TLS session: ${code}.`, context, error);
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return wireError("reply_too_large", `${origin} sent more than 16 KiB of response headers.`, context, error);
  }
  const flaw = flawOf(code, error, context);
  // Without the cause: undici's parser keeps what the device sent in its error.
  if (flaw !== undefined)
    return wireError("malformed_reply", `${origin} did not answer in HTTP/1.1: ${flaw}.`, context);
  const state = context.status === 0 ? "before it answered" : "before its answer was complete";
  return wireError(
    "connection_lost",
    `${origin} closed the connection ${state} (${code || "closed"}).`,
    context,
    error,
  );
}

/** An error with a code of ours, most often from a body's source, keeps it; how much was out only this room knows. */
function passedOn(error: FlashwaveError, context: FaultContext): FlashwaveError {
  if (error.bytesOut === context.bytesOut) return error;
  const { code, message, phase } = error;
  return new FlashwaveError(code, message, {
    phase,
    retryable: error.retryable,
    bytesOut: context.bytesOut,
    cause: error,
  });
}

/** What the system's resolver says of names. */
const nameless = /^(?:ENOTFOUND|EAI_\w+)$/;

function connectFault(code: string, error: unknown, context: FaultContext): FlashwaveError {
  const { origin } = context;
  if (!aboutTls(code)) {
    const advice = nameless.test(code)
      ? "Its name leads to no address: check how it is spelt, and the name server, or give an address"
      : "Check that the device is on, and its address and port";
    const message = `No connection to ${origin}: ${code || "it failed"}; nothing was sent. ${advice}.`;
    return wireError("connect_failed", message, context, error);
  }
  const advice = "Give its authority as tls.ca or pin its certificate";
  return wireError("tls_failed", `TLS with ${origin} failed: ${code}. ${advice}; nothing was sent.`, context, error);
}

/** OpenSSL's alerts, Node's own checks, and OpenSSL's verdicts on certificates (`CERT_HAS_EXPIRED`, …), which have no prefix. */
function aboutTls(code: string): boolean {
  return /^(?:ERR_(?:SSL|TLS|OSSL)_|EPROTO$)/.test(code) || (code.includes("_") && !/^(?:UND_|ERR_|EAI_)/.test(code));
}

/** What is wrong with an answer that arrived; nothing when it only did not arrive whole. */
function flawOf(code: string, error: unknown, context: FaultContext): string | undefined {
  if (error instanceof errors.HTTPParserError) {
    // llhttp's own words, from a fixed list. Its error codes are lost in undici 8.
    const [, reason = "it cannot be parsed"] = /\((.*)\)$/.exec(error.message) ?? [];
    return reason.includes("EOF") ? undefined : reason;
  }
  // Also raised for a second Content-Length; only a message that had begun can be cut short.
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && context.status === 0)
    return "its lengths contradict each other";
  // What undici says of an unsolicited `100 Continue` and of an upgrade that nobody asked for.
  if (code !== "UND_ERR_SOCKET" || !(error instanceof Error)) return undefined;
  if (error.message === "bad response") return "it sent an unsolicited 100 Continue";
  return error.message === "bad upgrade" ? "it switched protocols unasked" : undefined;
}

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}
