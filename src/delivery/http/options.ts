import { type InspectRequest, type Profile, type ProfileRequest, type Purpose, purposes } from "../../core/profile.ts";
import { fieldsOf } from "../shared/profile-rules.ts";
import { requestFields } from "../shared/request-plan.ts";
import { defaultSettings, resolveSettings, type Settings, settingNames } from "./settings.ts";

/**
 * How devices are spoken to over plain HTTP, and what is sent along. A device's own profile changes this field by field:
 * a field it names (all of `headers`, all of `query`, …) replaces the one given here. The settings go by the same names
 * in a profile's `options`.
 */
export interface HttpOptions extends Profile, Partial<Settings> {}

/** The settings that stand beside the requests, and what is left: a profile. */
export function splitOptions(options: HttpOptions): { readonly profile: Profile; readonly settings: Settings } {
  const entries = Object.entries(fieldsOf(options, "the profile", [...profileFields, ...settingNames]));
  const part = (own: boolean) => Object.fromEntries(entries.filter(([name]) => settingNames.includes(name) === own));
  return { profile: part(false), settings: resolveSettings(defaultSettings, part(true), "") };
}

/** Requests by purpose with their fields, checked no deeper than names. */
export type RawRequest = Readonly<Record<string, unknown>>;
export type RawProfile = { readonly [P in Purpose]?: RawRequest | false };

/** What a request starts from where neither the adapter's options nor the device's profile say otherwise. */
const basis = {
  send: { method: "POST", path: "/update" } satisfies ProfileRequest,
  inspect: { method: "GET", path: "/version" } satisfies InspectRequest,
  health: { method: "GET", path: "/health" } satisfies ProfileRequest,
  activate: { method: "POST" } satisfies ProfileRequest,
  commit: { method: "POST" } satisfies ProfileRequest,
  rollback: { method: "POST" } satisfies ProfileRequest,
};

/** The generic delivery's own profile. */
export const defaultProfile: RawProfile = Object.freeze({
  send: basis.send,
  inspect: { ...basis.inspect, pointer: "/version" },
  health: basis.health,
});

const profileFields: readonly string[] = [...purposes, "options"];
const places: readonly string[] = ["pointer", "text", "pattern"];
const inspectFields: readonly string[] = [...requestFields, ...places, "also"];

/**
 * Lays a profile over another, request by request and field by field.
 * @throws `invalid_profile` for a request or a field that no profile has
 */
export function overlay(base: RawProfile, profile: unknown): RawProfile {
  const given = fieldsOf(profile, "the profile", profileFields);
  const result: { [P in Purpose]?: RawRequest | false } = { ...base };
  for (const purpose of purposes) {
    const own = given[purpose];
    if (own === undefined) continue;
    if (own === false && (purpose === "inspect" || purpose === "health")) {
      result[purpose] = false;
      continue;
    }
    const fields = fieldsOf(own, purpose, purpose === "inspect" ? inspectFields : requestFields);
    const inherited = base[purpose] || undefined;
    // Where the version stands is one decision: a profile that names a `pattern` does not inherit a pointer.
    const kept = places.some((place) => fields[place] !== undefined) ? omit(inherited, places) : inherited;
    result[purpose] = { ...basis[purpose], ...kept, ...fields };
  }
  return result;
}

function omit(fields: RawRequest | undefined, names: readonly string[]): RawRequest {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => !names.includes(name)));
}
