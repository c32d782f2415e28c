import type { Profile } from "../../core/profile.ts";
import { basis, profileFields, type RawProfile } from "../shared/overlay.ts";
import { fieldsOf } from "../shared/profile-rules.ts";
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

/** The generic delivery's own profile. */
export const defaultProfile: RawProfile = Object.freeze({
  send: basis.send,
  inspect: { ...basis.inspect, pointer: "/version" },
  health: basis.health,
});
