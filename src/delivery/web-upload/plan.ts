import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Profile } from "../../core/profile.ts";
import type { HeaderBlock } from "../../core/transport.ts";
import { compileChecks } from "../shared/checks.ts";
import { compilePointer, type Pointer } from "../shared/json-pointer.ts";
import { type ChallengeRequest, challengeOf } from "../shared/login.ts";
import { compileOrders, type OrderPlans } from "../shared/orders.ts";
import { overlay, type RawProfile } from "../shared/overlay.ts";
import { type PlanOf, remembering } from "../shared/plans.ts";
import { invalidProfile, textPairs } from "../shared/profile-rules.ts";
import { compileRequest, jsonText, type RequestPlan } from "../shared/request-plan.ts";
import type { Family, Statuses } from "./family.ts";
import { defaultSettings, readBefore, readCommitted, resolveSettings, type UploadSettings } from "./settings.ts";

/** Everything about a kind of device that does not change between pushes, made once and frozen. */
export interface UploadPlan {
  /** Where the form goes. Its path may hold names in braces. */
  readonly send: RequestPlan;
  /** The form's fields before the file, and the JSON before them. */
  readonly fields: readonly (readonly [name: string, text: string])[];
  readonly json?: string;
  readonly before?: RequestPlan;
  /** Asks whether what runs is committed; its check holds where it is. */
  readonly committed?: RequestPlan;
  /** What is sent before an artifact so that the device asks for a login. */
  readonly challenge: ChallengeRequest;
  readonly orders: OrderPlans;
  readonly settings: UploadSettings;
  readonly statuses: Statuses;
  readonly errorCode?: Pointer;
  readonly traits: DeliveryTraits;
}

export type UploadPlanOf = PlanOf<UploadPlan>;

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(family: Family, options: Profile = {}): UploadPlanOf {
  const layers = [family.profile, options];
  return remembering(compile(family, layers), (given: Profile) => compile(family, [...layers, given]));
}

function compile(family: Family, layers: readonly Profile[]): UploadPlan {
  const profile = layers.reduce<RawProfile>(overlay, {});
  const { form, json, ...send } = profile.send || {};
  const settings = layers.reduce((base, { options }) => resolveSettings(base, options), defaultSettings);
  const errorCode = settings.errorCode === "" ? undefined : compilePointer(settings.errorCode);
  const plan = compileRequest(send, { where: "send", methods: ["POST", "PUT"], form: false });
  const before = readBefore(settings.before);
  const committed = committedPlan(settings.committed, plan.headers);
  const orders = compileOrders(profile);
  return Object.freeze({
    send: plan,
    fields: fieldPairs(form),
    ...(json !== undefined && { json: jsonText(json, "send.json") }),
    ...(before && { before: { ...before, headers: plan.headers, checks: [] } }),
    ...(committed && { committed }),
    challenge:
      settings.challenge === ""
        ? { method: "HEAD", path: plan.path.replace(/\?.*/, "") }
        : challengeOf(settings.challenge),
    orders,
    settings,
    statuses: family.statuses ?? {},
    ...(errorCode && { errorCode }),
    traits: Object.freeze({
      resumable: false,
      // None of them tells an upload that comes again from another one.
      repeat: "unsafe",
      refusals: new Set(family.refusals),
      verdict: "readback",
      activates: orders.activate === undefined ? "itself" : "on-request",
    }),
  });
}

function committedPlan(setting: string, headers: HeaderBlock): RequestPlan | undefined {
  const asked = readCommitted(setting);
  if (asked === undefined) return undefined;
  const checks = compileChecks({ [asked.pointer]: "true" }, "options.committed");
  return { method: "GET", path: asked.path, headers, checks };
}

function fieldPairs(form: unknown): UploadPlan["fields"] {
  const pairs = textPairs(form, "send.form");
  for (const [name] of pairs) {
    if (!/^[^\p{Cc}"]+$/u.test(name)) throw invalidProfile("send.form", "must have printable names without quotes");
  }
  return pairs;
}
