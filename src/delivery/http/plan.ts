import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Profile, Purpose } from "../../core/profile.ts";
import { type AuthMode, type ChallengeRequest, challengeOf, isAuthMode } from "../shared/login.ts";
import { overlay, type RawProfile, type RawRequest } from "../shared/overlay.ts";
import { invalidProfile } from "../shared/profile-rules.ts";
import { compileRequest, type RequestPlan, type RequestRules } from "../shared/request-plan.ts";
import { defaultProfile, type HttpOptions, splitOptions } from "./options.ts";
import type { PartsPlan } from "./parts.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { compileState, type StatePlan } from "./state-plan.ts";

export interface InspectPlan extends RequestPlan {
  readonly state: StatePlan;
}

/** What is sent to a kind of device. It does not change between pushes, so it is made once and frozen. */
export interface SendPlan {
  readonly send: RequestPlan;
  readonly activate?: RequestPlan;
  readonly commit?: RequestPlan;
  readonly rollback?: RequestPlan;
  readonly traits: DeliveryTraits;
  readonly along: Settings;
  /** What is sent before an artifact so that the device asks for a login. */
  readonly challenge: ChallengeRequest;
  /** There only where an artifact may be sent in parts. */
  readonly parts?: PartsPlan;
}

/** How a kind of device is read, likewise. */
export interface ReadPlan {
  readonly inspect?: InspectPlan;
  readonly health?: RequestPlan;
  readonly auth: AuthMode;
}

/** Gives the plan of a profile. The same profile object gives the same plan; no profile gives the adapter's own. */
export type PlanOf<Plan> = (profile: object | undefined) => Plan;

/**
 * Reading has a plan of its own: a probe may serve a device whose profile is mostly about another delivery, and then
 * what that sends, and its options, are none of the probe's business.
 */
export interface Plans {
  readonly sending: PlanOf<SendPlan>;
  readonly reading: PlanOf<ReadPlan>;
}

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(options: HttpOptions = {}): Plans {
  const { profile, settings } = splitOptions(options);
  const base = overlay(defaultProfile, profile);
  const own = resolveSettings(settings, profile.options);
  return {
    sending: remembering(base, (raw, given) => {
      // Nothing is sent to a device whose profile could not be read by afterwards.
      compileRead(raw, authOf(given, own));
      return compileSend(raw, resolveSettings(own, given?.options));
    }),
    reading: remembering(base, (raw, given) => compileRead(raw, authOf(given, own))),
  };
}

function remembering<Plan>(base: RawProfile, compile: (raw: RawProfile, given?: Profile) => Plan): PlanOf<Plan> {
  const own = compile(base);
  const plans = new WeakMap<object, Plan>();
  return (given) => {
    if (given === undefined) return own;
    const known = plans.get(given);
    if (known !== undefined) return known;
    const plan = compile(overlay(base, given), given);
    plans.set(given, plan);
    return plan;
  };
}

const methods: Readonly<Record<Purpose, readonly string[]>> = {
  send: ["POST", "PUT", "PATCH"],
  inspect: ["GET", "POST"],
  health: ["GET", "HEAD", "POST"],
  activate: ["POST", "PUT", "PATCH", "DELETE", "GET"],
  commit: ["POST", "PUT", "PATCH", "DELETE", "GET"],
  rollback: ["POST", "PUT", "PATCH", "DELETE", "GET"],
};

type Requester = (where: Purpose, rules?: Partial<RequestRules>) => RequestPlan;

function requester(profile: RawProfile): Requester {
  return (where, rules) =>
    compileRequest(profile[where] || {}, { where, methods: methods[where], form: true, ...rules });
}

function compileSend(profile: RawProfile, along: Settings): SendPlan {
  const request = requester(profile);
  const named = (purpose: "activate" | "commit" | "rollback") => profile[purpose] && { [purpose]: request(purpose) };
  const send = request("send", { headers: ["content-type", along.contentType], form: false });
  return Object.freeze({
    send,
    ...named("activate"),
    ...named("commit"),
    ...named("rollback"),
    ...(along.resume !== false && { parts: compileParts(send, along) }),
    traits: traitsOf(send.method, along, profile.activate !== undefined),
    along,
    // Not a GET: of what is uploaded, that may answer with all of it.
    challenge:
      along.challenge === undefined ? Object.freeze({ method: "HEAD", path: send.path }) : challengeOf(along.challenge),
  });
}

function compileParts({ method, path, headers }: RequestPlan, { idempotencyKey, part }: Settings): PartsPlan {
  if (method !== "PUT") throw invalidProfile("options.resume", "needs send.method to be PUT");
  if (idempotencyKey) throw invalidProfile("options.resume", "does not go with idempotencyKey: no two parts are alike");
  const along = Object.freeze(headers.filter((_, at) => headers[at - (at % 2)] !== "content-type"));
  const request = (name: string): RequestPlan => Object.freeze({ method: name, path, headers: along, checks: [] });
  return Object.freeze({ size: part, look: request("HEAD"), sample: request("GET") });
}

/** Of the options of whatever delivery sends, the one whose name means the same to all of them. */
function authOf(given: Profile | undefined, own: Settings): AuthMode {
  const auth = given?.options?.["auth"];
  return isAuthMode(auth) ? auth : own.auth;
}

function compileRead(profile: RawProfile, auth: AuthMode): ReadPlan {
  const request = requester(profile);
  return Object.freeze({
    ...(profile.inspect && { inspect: compileInspect(profile.inspect, request) }),
    ...(profile.health && { health: request("health") }),
    auth,
  });
}

function compileInspect(fields: RawRequest, request: Requester): InspectPlan {
  const state = compileState(fields);
  const headers = state.version.kind === "pointer" ? ["accept", "application/json"] : [];
  return Object.freeze({ ...request("inspect", { headers }), state });
}

/** Answers that a plain HTTP server gives before it does anything with a body. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 413, 415, 429, 503]);

function traitsOf(method: string, { idempotencyKey, resume }: Settings, onRequest: boolean): DeliveryTraits {
  return Object.freeze({
    resumable: resume !== false,
    // PUT is idempotent (RFC 9110 §9.2.2); POST and PATCH are only what a key makes of them.
    repeat: method === "PUT" ? "idempotent" : idempotencyKey ? "same-digest" : "unsafe",
    refusals,
    verdict: "readback",
    activates: onRequest ? "on-request" : "itself",
  });
}
