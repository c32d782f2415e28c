import { Buffer } from "node:buffer";
import { type FlashwaveError, type FlashwaveErrorCode, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { type Bound, replyContext, requireYes } from "../shared/exchange.ts";
import { replyError } from "../shared/reply.ts";
import type { RequestPlan } from "../shared/request-plan.ts";
import type { VerdictEvent } from "./verdict.ts";

/** How an upload ended, as far as its own connection tells. `error`: all but a 2xx to a wholly sent body. */
export interface Ending {
  readonly event: Extract<VerdictEvent, { readonly kind: "received" | "refused" | "broken" }>;
  /** Of the answer; 0 when there was none. */
  readonly status: number;
  readonly error?: FlashwaveError;
}

/** After these the device may have got the image, in part or whole. */
const open: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connection_lost",
  "stall_timeout",
  "response_timeout",
  "deadline_exceeded",
  "malformed_reply",
  "reply_too_large",
  "early_reply",
]);

/** mongoose_interface.c, upload_handler: the installer is at another update, and was not handed a byte. */
const busyBody = "Failed to queue command";

/**
 * What an answer to an upload amounts to.
 *
 * @param begun whether the artifact's first byte was on its way
 */
export function answered(reply: ExchangeReply, plan: RequestPlan, begun: boolean, bound: Bound): Ending {
  const { status } = reply;
  if (status === 500 && Buffer.from(reply.body).toString().trim() === busyBody) {
    const message = "The device is at another update, so it took nothing of this one; try again when that has ended.";
    const error = replyError("device_busy", message, reply, replyContext(bound, "send"), true);
    return refused(begun ? error : inContext(error, { bytesOut: "none" }));
  }
  try {
    requireYes(reply, plan, bound, "send");
    return { event: { kind: "received" }, status };
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    // 408: it waited for bytes that it did not get, and now lets the installer fail.
    return status === 408 ? broken(error, false, bound) : unanswered(error, false, bound);
  }
}

/** @param stopped whether the upload was broken off because the device had failed */
export function unanswered(error: FlashwaveError, stopped: boolean, bound: Bound): Ending {
  if (!stopped && !open.has(error.code)) return refused(error);
  return broken(error, error.bytesOut === "all", bound);
}

function refused(error: FlashwaveError): Ending {
  return { event: { kind: "refused" }, status: error.reply?.status ?? 0, error };
}

function broken(error: FlashwaveError, wholly: boolean, { context }: Bound): Ending {
  const at = context.clock.now();
  return { event: { kind: "broken", wholly, at }, status: error.reply?.status ?? 0, error };
}
