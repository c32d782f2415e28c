import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Profile } from "../../core/profile.ts";
import { compilePointer, type Pointer } from "../shared/json-pointer.ts";
import { type ChallengeRequest, challengeOf } from "../shared/login.ts";
import { overlay, type RawProfile } from "../shared/overlay.ts";
import { invalidProfile, textPairs } from "../shared/profile-rules.ts";
import { compileRequest, jsonText, type RequestPlan } from "../shared/request-plan.ts";
import type { Family, Statuses } from "./family.ts";
import { defaultSettings, readBefore, resolveSettings, type UploadSettings } from "./settings.ts";

const orders = ["activate", "commit", "rollback"] as const;
export type Order = (typeof orders)[number];

/** Everything about a kind of device that does not change between pushes, made once and frozen. */
export interface UploadPlan {
  /** Where the form goes. Its path may hold names in braces. */
  readonly send: RequestPlan;
  /** The form's fields before the file, and the JSON before them. */
  readonly fields: readonly (readonly [name: string, text: string])[];
  readonly json?: string;
  readonly before?: RequestPlan;
  /** What is sent before an artifact so that the device asks for a login. */
  readonly challenge: ChallengeRequest;
  readonly orders: Readonly<Partial<Record<Order, RequestPlan>>>;
  readonly settings: UploadSettings;
  readonly statuses: Statuses;
  readonly errorCode?: Pointer;
  readonly traits: DeliveryTraits;
}

/** Gives the plan of a profile. The same profile object gives the same plan. */
export type UploadPlanOf = (profile: Profile | undefined) => UploadPlan;

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(family: Family, options: Profile = {}): UploadPlanOf {
  const layers = [family.profile, options];
  const own = compile(family, layers);
  const plans = new WeakMap<object, UploadPlan>();
  return (given) => {
    if (given === undefined) return own;
    const known = plans.get(given);
    if (known !== undefined) return known;
    const plan = compile(family, [...layers, given]);
    plans.set(given, plan);
    return plan;
  };
}

const methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];

function compile(family: Family, layers: readonly Profile[]): UploadPlan {
  const profile = layers.reduce<RawProfile>(overlay, {});
  const { form, json, ...send } = profile.send || {};
  const settings = layers.reduce((base, { options }) => resolveSettings(base, options), defaultSettings);
  const errorCode = settings.errorCode === "" ? undefined : compilePointer(settings.errorCode);
  const plan = compileRequest(send, { where: "send", methods: ["POST", "PUT"], form: false });
  const before = readBefore(settings.before);
  const named = orders.flatMap((purpose) => {
    const request = profile[purpose];
    return request ? [[purpose, compileRequest(request, { where: purpose, methods, form: true })] as const] : [];
  });
  return Object.freeze({
    send: plan,
    fields: fieldPairs(form),
    ...(json !== undefined && { json: jsonText(json, "send.json") }),
    ...(before && { before: { ...before, headers: plan.headers, checks: [] } }),
    challenge:
      settings.challenge === ""
        ? { method: "HEAD", path: plan.path.replace(/\?.*/, "") }
        : challengeOf(settings.challenge),
    orders: Object.freeze(Object.fromEntries(named)),
    settings,
    statuses: family.statuses ?? {},
    ...(errorCode && { errorCode }),
    traits: Object.freeze({
      resumable: false,
      // None of them tells an upload that comes again from another one.
      repeat: "unsafe",
      refusals: new Set(family.refusals),
      verdict: "readback",
      activates: named.some(([purpose]) => purpose === "activate") ? "on-request" : "itself",
    }),
  });
}

function fieldPairs(form: unknown): UploadPlan["fields"] {
  const pairs = textPairs(form, "send.form");
  for (const [name] of pairs) {
    if (!/^[^\p{Cc}"]+$/u.test(name)) throw invalidProfile("send.form", "must have printable names without quotes");
  }
  return pairs;
}
