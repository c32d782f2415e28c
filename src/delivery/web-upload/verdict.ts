import type { Phase } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { failedCheck } from "../shared/checks.ts";
import { type Bound, replyContext } from "../shared/exchange.ts";
import { readJson } from "../shared/json.ts";
import { readPointer } from "../shared/json-pointer.ts";
import { type ReplyContext, replyError, requireSuccess } from "../shared/reply.ts";
import type { RequestPlan } from "../shared/request-plan.ts";
import type { UploadPlan } from "./plan.ts";

/**
 * Returns only when the device said yes to a request, in the way of its family.
 * @throws what the family's statuses say, as `requireSuccess`, and `device_error` for a failed check
 */
export function requireTaken(
  received: ExchangeReply,
  request: RequestPlan,
  plan: UploadPlan,
  bound: Bound,
  phase: Phase,
): void {
  const context = replyContext(bound, phase, request);
  const reply = withErrorCode(received, plan);
  const own = plan.statuses[reply.status];
  if (own !== undefined) {
    const message = `The device answered ${reply.status} ${own.says}.`;
    throw replyError(own.code, message, reply, context, own.retryable ?? false);
  }
  requireSuccess(reply, context);
  requireNo(failedCheck(request.checks, reply.body), reply, context);
}

/**
 * Returns only when the answer to an upload says in its words what it should: many answer 200 whatever came of it.
 * @throws as `requireTaken`
 */
export function requireUploaded(reply: ExchangeReply, request: RequestPlan, plan: UploadPlan, bound: Bound): void {
  requireTaken(reply, request, plan, bound, "send");
  requireNo(saysNo(reply, plan), reply, replyContext(bound, "send", request));
}

function requireNo(problem: string | undefined, reply: ExchangeReply, context: ReplyContext): void {
  if (problem === undefined) return;
  const message = `The device answered ${reply.status}, but ${problem}; its own words are in this error's reply.excerpt.`;
  throw replyError("device_error", message, reply, context, true);
}

/** An error in the body of a 2xx counts as if its code were the status; one that is no status of a refusal, as a 500. */
function withErrorCode(reply: ExchangeReply, { errorCode }: UploadPlan): ExchangeReply {
  if (errorCode === undefined || reply.status < 200 || reply.status > 299) return reply;
  const json = readJson(reply.body);
  const found = "problem" in json ? undefined : readPointer(json.value, errorCode);
  if (found === undefined || found === null) return reply;
  const status = Number(found);
  return { ...reply, status: Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500 };
}

function saysNo({ body }: ExchangeReply, { settings: { success, failure } }: UploadPlan): string | undefined {
  if (success === "" && failure === "") return undefined;
  const text = new TextDecoder().decode(body);
  if (failure !== "" && text.includes(failure)) return "it says that the update failed";
  return text.includes(success) ? undefined : "it does not say that it took the artifact";
}
