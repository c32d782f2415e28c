import type { DeliveryTraits } from "../../core/delivery.ts";
import { type Profile, purposes } from "../../core/profile.ts";
import { type OrderPlans, orderNames } from "../shared/orders.ts";
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

type Fields = Readonly<Record<string, unknown>>;
const sendFields = ["method", "path", "headers", "query", "form"];

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(options: TusOptions = {}): (profile: Profile | undefined) => Plan {
  const entries = Object.entries(fieldsOf(options, "the profile", [...purposes, "options", ...settingNames]));
  const part = (own: boolean) => Object.fromEntries(entries.filter(([name]) => settingNames.includes(name) === own));
  const base: Fields = part(false);
  const settings = resolveSettings(resolveSettings(defaultSettings, part(true), ""), base["options"]);
  const own = compile(base, settings);
  const plans = new WeakMap<object, Plan>();
  return (profile) => {
    if (profile === undefined) return own;
    const known = plans.get(profile);
    if (known !== undefined) return known;
    const given = fieldsOf(profile, "the profile", [...purposes, "options"]);
    const plan = compile(overlay(base, given), resolveSettings(settings, given["options"]));
    plans.set(profile, plan);
    return plan;
  };
}

/** Request by request and field by field. */
function overlay(base: Fields, given: Fields): Fields {
  const laid = (name: string) => ({ ...Object(base[name]), ...Object(given[name]) });
  const named = ["send", ...orderNames].filter((name) => base[name] !== undefined || given[name] !== undefined);
  return Object.fromEntries(named.map((name) => [name, laid(name)]));
}

function compile(profile: Fields, settings: TusSettings): Plan {
  const { form, ...send } = fieldsOf(profile["send"] ?? {}, "send", sendFields);
  const create = compileRequest(
    { method: "POST", path: "/files", ...send },
    { where: "send", methods: ["POST"], form: false },
  );
  const taken = [...reserved].find((name) => isNamed(create.headers, name));
  if (taken !== undefined) throw invalidProfile("send.headers", `names "${taken}", which the protocol sets itself`);
  const orders: OrderPlans = Object.fromEntries(
    orderNames.filter((name) => profile[name] !== undefined).map((name) => [name, compileOrder(profile[name], name)]),
  );
  return Object.freeze({
    ...orders,
    create,
    metadata: metadataPairs(form),
    settings,
    traits: traitsOf(orders.activate !== undefined),
  });
}

function compileOrder(fields: unknown, where: string): RequestPlan {
  const methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];
  return compileRequest({ method: "POST", ...Object(fields) }, { where, methods, form: true });
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
