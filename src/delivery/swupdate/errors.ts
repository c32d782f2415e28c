import { Buffer } from "node:buffer";
import type { Device } from "../../core/device.ts";
import { type BytesOut, FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { type Bound, replyContext } from "../shared/exchange.ts";
import { replyError, requireSuccess } from "../shared/reply.ts";
import { excerpt } from "../shared/text.ts";

/** Why there is no websocket, from the answer that came instead of one. Nothing of the artifact was sent. */
export function noChannel(reply: ExchangeReply, bound: Bound): FlashwaveError {
  const context = replyContext(bound, "connect");
  try {
    requireSuccess(reply, context);
  } catch (error) {
    if (isFlashwaveError(error)) return error;
    throw error;
  }
  const message = `The device answered ${reply.status} where SWUpdate has its websocket, so nothing was sent; check that it runs SWUpdate's web server, and its profile's options.channel.`;
  return replyError("unsupported", message, reply, context);
}

/**
 * The answer to `GET /upload`, which is for `POST` alone. Only what rules an upload out ends it here: whatever stands
 * before a device may have its own way of saying 405.
 */
export function requireEndpoint(reply: ExchangeReply, bound: Bound): void {
  const { status } = reply;
  if (status === 401 || status === 403 || status === 404) requireSuccess(reply, replyContext(bound, "connect"));
}

/** Seen on the websocket before anything was sent. */
export function busy({ id: device }: Device): FlashwaveError {
  const message = "The device is at an update already, so nothing was sent; try again when that has ended.";
  return new FlashwaveError("device_busy", message, { phase: "connect", retryable: true, device });
}

/** The device's own FAILURE: certain, wherever it was heard, and so of the phase in which verdicts are. */
export function failed(
  { id: device }: Device,
  told: {
    readonly complaints: readonly string[];
    readonly status: number;
    readonly bytesOut: BytesOut;
    readonly interrupted: boolean;
  },
): FlashwaveError {
  const { complaints, status, bytesOut, interrupted } = told;
  const what = interrupted
    ? "The upload broke off, and the device reports that it gave up on the image"
    : "The device reports that it could not install the image";
  const words = excerpt(Buffer.from(complaints.join("; ")));
  return new FlashwaveError("device_error", `${what}; its own words are in this error's reply.excerpt.`, {
    phase: "settle",
    retryable: interrupted,
    bytesOut,
    device,
    reply: { status, ...(words !== undefined && { excerpt: words }) },
  });
}

/** It has the image, goes on with it, and will not say more in time. To send again could only be wrong. */
export function stillAtWork(cause: FlashwaveError, { id: device }: Device): FlashwaveError {
  const message = `After ${cause.code} the device is still at this update. Read it when it has ended, before anything is sent again.`;
  return new FlashwaveError("outcome_unknown", message, { phase: "send", bytesOut: "all", device, cause });
}

/** The websocket is open, and by the deadline had said neither. */
export function underWay({ id: device }: Device): FlashwaveError {
  const message = "The device has the image, and by the deadline had not told how its install ended.";
  return new FlashwaveError("deadline_exceeded", message, {
    phase: "settle",
    bytesOut: "all",
    retryable: true,
    device,
  });
}

export function unsettled({ id: device }: Device): FlashwaveError {
  const message =
    "The device has the image, but whether its install has ended is not known, so it was not told to restart. Read it, and restart it once it is idle.";
  return new FlashwaveError("outcome_unknown", message, { phase: "activate", bytesOut: "all", device });
}
