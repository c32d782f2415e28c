import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Purpose } from "../../core/profile.ts";
import { invalidProfile } from "../shared/profile-rules.ts";
import { compileRequest, type RequestPlan, type RequestRules } from "../shared/request-plan.ts";
import { defaultProfile, type HttpOptions, overlay, type RawProfile, type RawRequest } from "./options.ts";
import { compileState, type StatePlan } from "./state-plan.ts";

export interface InspectPlan extends RequestPlan {
  readonly state: StatePlan;
}

/** Everything about a kind of device that does not change between pushes, made once and frozen. */
export interface Plan {
  readonly send: RequestPlan;
  readonly inspect?: InspectPlan;
  readonly health?: RequestPlan;
  readonly activate?: RequestPlan;
  readonly commit?: RequestPlan;
  readonly rollback?: RequestPlan;
  readonly traits: DeliveryTraits;
  readonly along: Along;
}

/** Which of our own headers go along with an artifact. */
export type Along = Required<Pick<HttpOptions, "identify" | "reprDigest" | "idempotencyKey" | "versionHeader">>;

/** Gives the plan of a profile. The same profile object gives the same plan; no profile gives the adapter's own. */
export type PlanOf = (profile: object | undefined) => Plan;

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(options: HttpOptions = {}): PlanOf {
  const { identify = true, reprDigest = true, idempotencyKey = false, versionHeader = false, ...rest } = options;
  const { contentType = "application/octet-stream", ...profile } = rest;
  const along = Object.freeze({ identify, reprDigest, idempotencyKey, versionHeader });
  for (const [name, value] of Object.entries(along)) {
    if (typeof value !== "boolean") throw invalidProfile(name, "must be true or false");
  }
  if (typeof contentType !== "string" || !mediaType.test(contentType)) {
    throw invalidProfile("contentType", 'must be a media type such as "application/octet-stream"');
  }
  const base = overlay(defaultProfile, profile);
  const own = compile(base, along, contentType);
  const plans = new WeakMap<object, Plan>();
  return (given) => {
    if (given === undefined) return own;
    const known = plans.get(given);
    if (known !== undefined) return known;
    const plan = compile(overlay(base, given), along, contentType);
    plans.set(given, plan);
    return plan;
  };
}

// RFC 9110 §8.3.1: type "/" subtype, then parameters.
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *; *[\w-]+=(?:[\w!#$&^.+-]+|"[^"\\\p{Cc}]*"))*$/u;

const methods: Readonly<Record<Purpose, readonly string[]>> = {
  send: ["POST", "PUT", "PATCH"],
  inspect: ["GET", "POST"],
  health: ["GET", "HEAD", "POST"],
  activate: ["POST", "PUT", "PATCH", "DELETE", "GET"],
  commit: ["POST", "PUT", "PATCH", "DELETE", "GET"],
  rollback: ["POST", "PUT", "PATCH", "DELETE", "GET"],
};

function compile(profile: RawProfile, along: Along, contentType: string): Plan {
  const request = (where: Purpose, rules?: Partial<RequestRules>): RequestPlan =>
    compileRequest(profile[where] || {}, { where, methods: methods[where], form: true, ...rules });
  const named = (purpose: "health" | "activate" | "commit" | "rollback") =>
    profile[purpose] && { [purpose]: request(purpose) };
  const send = request("send", { headers: ["content-type", contentType], form: false });
  return Object.freeze({
    send,
    ...(profile.inspect && { inspect: compileInspect(profile.inspect, request) }),
    ...named("health"),
    ...named("activate"),
    ...named("commit"),
    ...named("rollback"),
    traits: traitsOf(send.method, along, profile.activate !== undefined),
    along,
  });
}

function compileInspect(
  fields: RawRequest,
  request: (where: Purpose, rules?: Partial<RequestRules>) => RequestPlan,
): InspectPlan {
  const state = compileState(fields);
  const headers = state.version.kind === "pointer" ? ["accept", "application/json"] : [];
  return Object.freeze({ ...request("inspect", { headers }), state });
}

/** Answers that a plain HTTP server gives before it does anything with a body. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 413, 415, 429, 503]);

function traitsOf(method: string, { idempotencyKey }: Along, onRequest: boolean): DeliveryTraits {
  return Object.freeze({
    resumable: false,
    // PUT is idempotent (RFC 9110 §9.2.2); POST and PATCH are only what a key makes of them.
    repeat: method === "PUT" ? "idempotent" : idempotencyKey ? "same-digest" : "unsafe",
    refusals,
    verdict: "readback",
    activates: onRequest ? "on-request" : "itself",
  });
}
