import type { Clock } from "../../core/clock.ts";
import { type BytesOut, FlashwaveError, type FlashwaveErrorCode, type Phase } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { parseRetryAfter } from "./retry-after.ts";
import { excerpt } from "./text.ts";

/** What an exchange was part of, for the error that may come of it. */
export interface ReplyContext {
  readonly phase: Phase;
  readonly device: string;
  readonly clock: Clock;
  /** What was answered, where its path is ours: of one that a device named itself, what it leads to in our words. */
  readonly request?: { readonly method: string; readonly path: string } | { readonly about: string } | undefined;
}

interface Ruling {
  readonly code: FlashwaveErrorCode;
  readonly retryable: boolean;
  /** What follows "the device answered 503" in the message. */
  readonly says: string;
}

const excerptHint = "its own words are in this error's reply.excerpt";
const rulings = {
  early: {
    code: "early_reply",
    retryable: true,
    says: "before it had been given the whole body, which acknowledges nothing; read its version before sending again",
  },
  redirect: {
    code: "redirected",
    retryable: false,
    says: "and redirects are never followed; give the device's final address and path",
  },
  busy: { code: "device_busy", retryable: true, says: "because it is busy; leave it alone for a while" },
  unauthorized: { code: "refused", retryable: false, says: "and refused us; check the credentials given for it" },
  missing: { code: "refused", retryable: false, says: "and refused; check the path and the method in its profile" },
  unfit: {
    code: "refused",
    retryable: false,
    says: "and refused these bytes; check that the artifact is meant for it",
  },
  refused: { code: "refused", retryable: false, says: `and refused; ${excerptHint}` },
  unable: {
    code: "device_error",
    retryable: false,
    says: "because it cannot do that; check the method in its profile",
  },
  failed: { code: "device_error", retryable: true, says: `because it failed; ${excerptHint}` },
  strange: {
    code: "malformed_reply",
    retryable: false,
    says: "which is no final answer; check that this is the device",
  },
} as const satisfies Record<string, Ruling>;

/** Pure: what a status means, whatever the protocol. Nothing for an acknowledgement. */
function rule(status: number, sent: ExchangeReply["sent"]): Ruling | undefined {
  if (status < 200 || status > 599) return rulings.strange;
  if (status < 300) return sent === "all" ? undefined : rulings.early;
  if (status < 400) return rulings.redirect;
  return bySpecificStatus[status] ?? (status < 500 ? rulings.refused : rulings.failed);
}

const bySpecificStatus: Readonly<Record<number, Ruling>> = {
  401: rulings.unauthorized,
  403: rulings.unauthorized,
  404: rulings.missing,
  405: rulings.missing,
  408: rulings.busy,
  413: rulings.unfit,
  415: rulings.unfit,
  429: rulings.busy,
  501: rulings.unable,
  503: rulings.busy,
  505: rulings.unable,
};

/**
 * Whether an answer says itself where it ends. Any other ends with its connection (RFC 9112 §6.3), and then a part looks
 * like the whole.
 */
export function isSelfDelimited({ headers }: ExchangeReply): boolean {
  return headers.get("content-length") !== undefined || /^\s*chunked\s*$/i.test(headers.get("transfer-encoding") ?? "");
}

/** How much of the request had left when this answer came. `partial` cannot tell none from some: it says some. */
export function bytesOutOf(reply: ExchangeReply): BytesOut {
  return reply.sent === "all" ? "all" : "some";
}

/**
 * Returns only when the answer acknowledges the request: 2xx, and the whole request had been sent.
 *
 * @throws `early_reply`, `redirected`, `device_busy` (with `reply.retryAfter`), `refused`, `device_error`, `malformed_reply`
 */
export function requireSuccess(reply: ExchangeReply, context: ReplyContext): void {
  const ruling = rule(reply.status, reply.sent);
  if (ruling === undefined) return;
  throw replyError(
    ruling.code,
    `The device answered ${reply.status} ${ruling.says}.`,
    reply,
    context,
    ruling.retryable,
  );
}

/** The error that an answer makes, with the answer's status, `Retry-After` and excerpt kept beside the message. */
export function replyError<Code extends FlashwaveErrorCode>(
  code: Code,
  message: string,
  reply: ExchangeReply,
  context: ReplyContext,
  retryable = false,
): FlashwaveError<Code> {
  const retryAfter = parseRetryAfter(reply.headers.get("retry-after"), context.clock.wall());
  const text = excerpt(reply.body);
  return new FlashwaveError(code, `${message}${askedBy(context)}`, {
    phase: context.phase,
    device: context.device,
    retryable,
    bytesOut: bytesOutOf(reply),
    reply: {
      status: reply.status,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(text !== undefined && { excerpt: text }),
    },
  });
}

/** Without the query, which may hold a login. */
function askedBy({ request }: ReplyContext): string {
  if (request === undefined) return "";
  const asked = "about" in request ? request.about : `${request.method} ${request.path.split("?", 1)[0]}`;
  return ` This was its answer to ${asked}.`;
}
