import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Profile } from "../../core/profile.ts";
import { type AuthMode, type ChallengeRequest, challengeOf, isAuthMode } from "../shared/login.ts";
import { compileOrders, type OrderPlans } from "../shared/orders.ts";
import { overlay, type RawProfile, type RawRequest } from "../shared/overlay.ts";
import { type PlanOf, remembering } from "../shared/plans.ts";
import { invalidProfile } from "../shared/profile-rules.ts";
import { compileRequest, type RequestPlan, type RequestRules } from "../shared/request-plan.ts";
import { defaultProfile, type HttpOptions, splitOptions } from "./options.ts";
import type { PartsPlan } from "./parts.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import { compileState, type StatePlan } from "./state-plan.ts";

export interface ReadingPlan extends RequestPlan {
  /** Where that is not the device's own. */
  readonly port?: number;
}

export interface InspectPlan extends ReadingPlan {
  readonly state: StatePlan;
}

/** What is sent to a kind of device. It does not change between pushes, so it is made once and frozen. */
export interface SendPlan extends OrderPlans {
  readonly send: RequestPlan;
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
  readonly health?: ReadingPlan;
  readonly auth: AuthMode;
}

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
  // Nothing is sent to a device whose profile could not be read by afterwards.
  const sending = (raw: RawProfile, given?: Profile) => {
    compileRead(raw, authOf(given, own));
    return compileSend(raw, resolveSettings(own, given?.options));
  };
  const reading = (raw: RawProfile, given?: Profile) => compileRead(raw, authOf(given, own));
  const over = <Plan>(compile: (raw: RawProfile, given?: Profile) => Plan) =>
    remembering(compile(base), (given: Profile) => compile(overlay(base, given), given));
  return { sending: over(sending), reading: over(reading) };
}

const methods = {
  send: ["POST", "PUT", "PATCH"],
  inspect: ["GET", "POST"],
  health: ["GET", "HEAD", "POST"],
} as const;
type Own = keyof typeof methods;

type Requester = (where: Own, rules?: Partial<RequestRules>) => RequestPlan;

function requester(profile: RawProfile): Requester {
  return (where, rules) =>
    compileRequest(profile[where] || {}, { where, methods: methods[where], form: true, ...rules });
}

function compileSend(profile: RawProfile, along: Settings): SendPlan {
  const request = requester(profile);
  const send = request("send", { headers: ["content-type", along.contentType], form: false });
  return Object.freeze({
    send,
    ...compileOrders(profile),
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
    ...(profile.health && { health: { ...request("health"), ...portOf(profile.health, "health") } }),
    auth,
  });
}

function compileInspect(fields: RawRequest, request: Requester): InspectPlan {
  const state = compileState(fields);
  const headers = state.version.kind === "pointer" ? ["accept", "application/json"] : [];
  return Object.freeze({ ...request("inspect", { headers }), ...portOf(fields, "inspect"), state });
}

function portOf({ port }: RawRequest, where: string): { readonly port?: number } {
  if (port === undefined) return {};
  if (typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535) return { port };
  throw invalidProfile(`${where}.port`, "must be a port from 1 to 65535");
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
