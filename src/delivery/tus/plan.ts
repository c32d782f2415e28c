import type { DeliveryTraits } from "../../core/delivery.ts";
import type { Profile } from "../../core/profile.ts";
import { compileOrders, type OrderPlans } from "../shared/orders.ts";
import { overlay, profileFields, type RawProfile } from "../shared/overlay.ts";
import { type PlanOf, remembering } from "../shared/plans.ts";
import { fieldsOf, invalidProfile, textPairs } from "../shared/profile-rules.ts";
import { compileRequest, isNamed, type RequestPlan } from "../shared/request-plan.ts";
import { isMetadataKey, reserved } from "./protocol.ts";
import { defaultSettings, resolveSettings, settingNames, type TusSettings } from "./settings.ts";

/**
 * How devices are spoken to. `send.path` is the creation endpoint (default `/files`), `send.headers` go with every
 * request of an upload, `send.form` are further pairs of its metadata. The settings go by the same names in a profile's
 * `options`.
 */
export interface TusOptions extends Profile, Partial<TusSettings> {}

/** Everything about a kind of device that does not change between pushes, made once and frozen. */
export interface Plan extends OrderPlans {
  /** The creation: its path, and the headers that go with every request. */
  readonly create: RequestPlan;
  readonly metadata: readonly (readonly [key: string, value: string])[];
  readonly settings: TusSettings;
  readonly traits: DeliveryTraits;
}

const usual: RawProfile = Object.freeze({ send: { method: "POST", path: "/files" } });
const sendFields = ["method", "path", "headers", "query", "form"];

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(options: TusOptions = {}): PlanOf<Plan> {
  const entries = Object.entries(fieldsOf(options, "the profile", [...profileFields, ...settingNames]));
  const part = (own: boolean) => Object.fromEntries(entries.filter(([name]) => settingNames.includes(name) === own));
  const profile: Profile = part(false);
  const base = overlay(usual, profile);
  const settings = resolveSettings(resolveSettings(defaultSettings, part(true), ""), profile.options);
  return remembering(compile(base, settings), (given: Profile) =>
    compile(overlay(base, given), resolveSettings(settings, given.options)),
  );
}

function compile(profile: RawProfile, settings: TusSettings): Plan {
  const { form, ...send } = fieldsOf(profile.send, "send", sendFields);
  const create = compileRequest(send, { where: "send", methods: ["POST"], form: false });
  const taken = [...reserved].find((name) => isNamed(create.headers, name));
  if (taken !== undefined) throw invalidProfile("send.headers", `names "${taken}", which the protocol sets itself`);
  const orders = compileOrders(profile);
  return Object.freeze({
    ...orders,
    create,
    metadata: metadataPairs(form),
    settings,
    traits: traitsOf(orders.activate !== undefined),
  });
}

function metadataPairs(form: unknown): Plan["metadata"] {
  const pairs = textPairs(form, "send.form");
  const bad = pairs.find(([key]) => !isMetadataKey(key));
  if (bad === undefined) return Object.freeze(pairs);
  throw invalidProfile(
    "send.form",
    `has the key ${JSON.stringify(bad[0])}; a key of tus metadata is ASCII without spaces and commas`,
  );
}

/** 410 and 423: an upload that is gone, or that an earlier request still holds. 409 is not here: it tells of an offset. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 410, 412, 413, 415, 423, 429, 503]);

function traitsOf(onRequest: boolean): DeliveryTraits {
  return Object.freeze({
    resumable: true,
    // A second upload is a second file: what the device does with the first is not undone by it.
    repeat: "unsafe",
    refusals,
    verdict: "readback",
    activates: onRequest ? "on-request" : "itself",
  });
}
