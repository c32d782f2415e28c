import type { DeliveryContext, Step } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { Phase } from "../../core/errors.ts";
import type { Segment } from "../../core/payload.ts";
import type { ExchangeReply, ExchangeRequest, HeaderBlock, Pace } from "../../core/transport.ts";
import { type Authorization, authorizationOf, type Read } from "./authorization.ts";
import { failedCheck } from "./checks.ts";
import type { AuthMode, ChallengeRequest } from "./login.ts";
import { type ReplyContext, replyError, requireSuccess } from "./reply.ts";
import type { RequestPlan } from "./request-plan.ts";

/** One device and what it is spoken to through. */
export interface Bound {
  readonly device: Device;
  readonly context: DeliveryContext;
  /** From `authorizationOf`; absent for a device without credentials. */
  readonly authorization?: Authorization | undefined;
}

/** @param auth how the device's credentials are shown to it, where the context has any */
export function boundTo(device: Device, context: DeliveryContext, auth: AuthMode): Bound {
  return { device, context, authorization: authorizationOf(context, device.id, auth) };
}

interface ExchangeStep extends Step {
  readonly onSent?: ((bytes: number) => void) | undefined;
  readonly pace?: Pace | undefined;
  readonly keepAlive?: boolean | undefined;
}

/**
 * Sends one planned request, and resolves with what `read` makes of the answer. The step's signal, deadline and pace
 * and the device's pins go along, and what the device wants to be shown.
 *
 * @param first for a request that carries the artifact: what may be sent before it to be asked for a login; without
 * it, the request may be sent a second time once the device has asked
 */
export function exchange<T>(
  { device, context, authorization }: Bound,
  plan: RequestPlan,
  step: ExchangeStep,
  phase: Phase,
  read: Read<T>,
  headers: HeaderBlock = plan.headers,
  body: Segment | readonly Segment[] | undefined = plan.body,
  first?: ChallengeRequest,
): Promise<T> {
  const { method, path } = plan;
  const { deadline, signal, onSent, pace, keepAlive } = step;
  const { pins } = device;
  const request: ExchangeRequest = {
    method,
    path,
    headers,
    body,
    phase,
    deadline,
    signal,
    onSent,
    pace,
    pins,
    keepAlive,
  };
  if (authorization !== undefined) return authorization.exchange(request, read, first);
  return context.transport.exchange(context.origin, request, read);
}

/**
 * For the errors that an answer of this device may make.
 * @param request what it answers; only one whose path is the profile's own
 */
export function replyContext(
  { device, context }: Bound,
  phase: Phase,
  request?: ReplyContext["request"],
): ReplyContext {
  return { phase, device: device.id, clock: context.clock, request };
}

/**
 * Returns only when the device said yes: a 2xx to a wholly sent request, and an answer that holds what the profile's
 * checks ask for.
 *
 * @throws as `requireSuccess`, and `device_error` for a failed check
 */
export function requireYes(reply: ExchangeReply, plan: RequestPlan, bound: Bound, phase: Phase): void {
  const context = replyContext(bound, phase, plan);
  requireSuccess(reply, context);
  const problem = failedCheck(plan.checks, reply.body);
  if (problem === undefined) return;
  const message = `The device answered ${reply.status}, but ${problem}; its own words are in this error's reply.excerpt.`;
  throw replyError("device_error", message, reply, context, true);
}
