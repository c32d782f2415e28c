import { type Purpose, purposes } from "../../core/profile.ts";
import { fieldsOf } from "./profile-rules.ts";
import { requestFields } from "./request-plan.ts";

/** Requests by purpose with their fields, checked no deeper than names. */
export type RawRequest = Readonly<Record<string, unknown>>;
export type RawProfile = { readonly [P in Purpose]?: RawRequest | false };

/** What a request starts from where neither the adapter's options nor the device's profile say otherwise. */
export const basis: Readonly<Record<Purpose, { readonly method: string; readonly path?: string }>> = Object.freeze({
  send: { method: "POST", path: "/update" },
  inspect: { method: "GET", path: "/version" },
  health: { method: "GET", path: "/health" },
  activate: { method: "POST" },
  commit: { method: "POST" },
  rollback: { method: "POST" },
});

/** What a profile may hold. */
export const profileFields: readonly string[] = [...purposes, "options"];
const places: readonly string[] = ["pointer", "text", "pattern"];
/** What each purpose takes beside what all take. */
const further: Readonly<Partial<Record<Purpose, readonly string[]>>> = {
  inspect: [...places, "also", "port"],
  health: ["port"],
};

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
    const fields = fieldsOf(own, purpose, [...requestFields, ...(further[purpose] ?? [])]);
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
