import type { Profile } from "../../core/profile.ts";
import type { Publisher } from "../../core/publication.ts";
import { type AuthMode, authModeOf } from "../shared/login.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";

/** What a Shelly takes besides requests. */
export interface ShellySettings {
  /** How the device's credentials are shown to it, as for `http()`. @default Gen1 "basic", all it knows; Gen2 "auto" */
  readonly auth: AuthMode;
  /** Milliseconds without a request of the device after which it is taken not to fetch. @default 60_000 */
  readonly patience: number;
}

/** How Shelly devices are spoken to. Of a profile's `send`, path, headers and query are those of the order to update. */
export interface ShellyOptions extends Pick<Profile, "send" | "inspect"> {
  /** Serves the artifacts that the devices fetch: a `createArtifactServer`, where they can reach it. */
  readonly publisher: Publisher;
  readonly options?: Partial<ShellySettings>;
}

const names: readonly (keyof ShellySettings)[] = ["auth", "patience"];
const longest = 86_400_000;

/** @throws `invalid_profile` */
export function resolveSettings(base: ShellySettings, given: unknown): ShellySettings {
  if (given === undefined) return base;
  const { auth, patience } = fieldsOf(given, "options", names);
  if (patience !== undefined && !(typeof patience === "number" && patience >= 1 && patience <= longest))
    throw invalidProfile("options.patience", `must be milliseconds, 1 to ${longest}`);
  return Object.freeze({
    auth: auth === undefined ? base.auth : authModeOf(auth),
    patience: patience ?? base.patience,
  });
}

/** @throws `invalid_profile` */
export function checkPublisher(publisher: unknown): asserts publisher is Publisher {
  if (typeof (Object(publisher) as Partial<Publisher>).publish === "function") return;
  throw invalidProfile("publisher", "must be what serves the artifacts, as createArtifactServer makes it");
}
