import type { SendStep, Step } from "../../core/delivery.ts";
import {
  type BytesOut,
  FlashwaveError,
  type FlashwaveErrorCode,
  inContext,
  isFlashwaveError,
} from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { Publication, Publisher } from "../../core/publication.ts";
import type { Bound } from "./exchange.ts";

/** What a device answered to the order to fetch. */
export type Ordered = Pick<Acknowledgement, "status" | "remoteId">;

export interface Announcement {
  readonly publisher: Publisher;
  readonly bound: Bound;
  readonly payload: Payload;
  readonly step: SendStep;
  /** Milliseconds without any request of the device, and with none being answered, after which it is given up. */
  readonly patience: number;
  /** Tells the device to fetch `url`, which must not get into a message. Throws what the device's refusal comes to. */
  readonly order: (url: string, step: Step) => Promise<Ordered>;
}

/** The answer to an order may be lost: what counts is whether the device then fetches. */
const lostReplies: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connection_lost",
  "response_timeout",
  "stall_timeout",
  "deadline_exceeded",
  "malformed_reply",
  "reply_too_large",
]);
/** The order that is repeated with a login did not arrive: a refusal only of a device that has not begun to fetch. */
const unheard: ReadonlySet<FlashwaveErrorCode> = new Set(["connect_failed", "connect_timeout"]);

/** How long the answer to the order may come after the last byte was fetched: a device may restart without giving it. */
const lateAnswer = 2_000;
/** In so many steps patience is lost. */
const looks = 4;

/**
 * Sends an artifact to a device that pulls: publishes it for this device, tells the device where, and waits until all
 * bytes have been fetched. That is the acknowledgement, also where the answer to the order was lost (its status is then
 * 0). The URL is void once this has settled, however it did, so an order that was not followed cannot be followed later.
 *
 *     publish ─▶ order ──refused, however much was fetched by then──▶ throws
 *                  └──answered, or the answer was lost──▶ fetched? ──yes──▶ acknowledged
 *                                                            └──patience or deadline over──▶ throws
 *
 * The error's `bytesOut` speaks of the artifact, not of the order.
 *
 * @throws `not_fetched`, `connection_lost` for an artifact fetched in part, and what the order ends in
 */
export async function announce(announcement: Announcement): Promise<Acknowledgement> {
  const { publisher, payload, bound, step } = announcement;
  const { pace, onSent } = step;
  await using publication = await publisher.publish(payload, bound.device, { pace, onSent });
  const leaving = new AbortController();
  try {
    return await fetching(announcement, publication, leaving.signal);
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    // A connection that was never made is told apart from one that broke: a certificate that is not trusted is final.
    const phase = error.phase === "connect" ? "connect" : "send";
    throw inContext(error, { phase, bytesOut: bytesOutOf(publication, payload) });
  } finally {
    // Ends the order's exchange and every wait.
    leaving.abort();
  }
}

async function fetching(
  announcement: Announcement,
  publication: Publication,
  leaving: AbortSignal,
): Promise<Acknowledgement> {
  const { bound, payload, step, order } = announcement;
  const { clock, closing } = bound.context;
  const signal = AbortSignal.any([leaving, ...[step.signal, closing].filter((given) => given !== undefined)]);
  const ordered = order(publication.url, { deadline: step.deadline, signal });
  let lost: FlashwaveError | undefined;
  const answered = ordered.catch((error: unknown) => {
    if (!isFlashwaveError(error) || !isLost(error, publication)) throw error;
    lost = error;
    return undefined;
  });
  const refused = new Promise<never>((_, reject) => void answered.catch(reject));
  await Promise.race([publication.fetched, refused, outOfPatience(announcement, publication, signal, () => lost)]);
  const answer = await Promise.race([
    answered,
    // What ends the wait ends the order as well.
    clock.sleep(lateAnswer, signal).then(
      () => undefined,
      () => answered,
    ),
  ]);
  return { status: 0, ...answer, bytes: payload.artifact.length };
}

function isLost({ code }: FlashwaveError, publication: Publication): boolean {
  return lostReplies.has(code) || (unheard.has(code) && publication.progress().covered > 0);
}

/** Never resolves. */
async function outOfPatience(
  { bound, payload, step, patience }: Announcement,
  publication: Publication,
  signal: AbortSignal,
  lost: () => FlashwaveError | undefined,
): Promise<never> {
  const { clock } = bound.context;
  let before = "";
  for (let quiet = 0; quiet < looks; ) {
    // Time spent waiting for a rate limit is not the device's.
    const left = step.deadline + publication.progress().held - clock.now();
    if (left <= 0) throw lateError(publication, payload);
    await clock.sleep(Math.min(left, patience / looks), signal).catch((cause: unknown) => {
      throw interruption(step.signal, cause);
    });
    const { requests, open, bytes } = publication.progress();
    const now = `${requests} ${bytes}`;
    quiet = open === 0 && now === before ? quiet + 1 : 0;
    before = now;
  }
  throw neverFetched(publication, payload, patience, lost());
}

/** By the caller, or by the client's end. */
function interruption(signal: AbortSignal | undefined, cause: unknown): FlashwaveError {
  if (signal?.aborted) {
    const message =
      "The caller's signal aborted while the device was to fetch the artifact; its URL leads nowhere now.";
    return new FlashwaveError("aborted", message, { phase: "send", cause: signal.reason });
  }
  const message = "The client was closed while the device was to fetch the artifact: await every call first.";
  return new FlashwaveError("client_closed", message, { phase: "send", cause });
}

function lateError(publication: Publication, { artifact }: Payload): FlashwaveError {
  const { covered } = publication.progress();
  return new FlashwaveError(
    "deadline_exceeded",
    `The deadline passed when ${covered} of ${artifact.length} bytes had been fetched from ${publication.origin}; its URL leads nowhere now.`,
    { phase: "send", retryable: true },
  );
}

function neverFetched(
  publication: Publication,
  { artifact }: Payload,
  patience: number,
  lost: FlashwaveError | undefined,
): FlashwaveError {
  const { requests, covered } = publication.progress();
  const { origin } = publication;
  const waited = `${patience / 1_000} s`;
  if (covered > 0) {
    const message = `The device fetched ${covered} of ${artifact.length} bytes from ${origin}, did not take them to the end and asked for no more in ${waited}; read its version before sending again.`;
    return new FlashwaveError("connection_lost", message, { phase: "send", retryable: true });
  }
  if (lost !== undefined) return lost;
  const asked = requests === 0 ? "it made no request" : `it made ${requests} requests, none for the bytes`;
  const message = `The device was told to fetch ${artifact.length} bytes from ${origin}, and fetched nothing in ${waited}: ${asked}. Check that the device can reach that address, and that the publisher's publicUrl names it.`;
  return new FlashwaveError("not_fetched", message, { phase: "send", retryable: true });
}

function bytesOutOf(publication: Publication, { artifact }: Payload): BytesOut {
  const { covered } = publication.progress();
  if (covered === 0) return "none";
  return covered === artifact.length ? "all" : "some";
}
