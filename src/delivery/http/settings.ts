import { type AuthMode, authModeOf, challengeOf } from "../shared/login.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";

/** What the generic delivery takes besides requests. */
export interface Settings {
  /**
   * Send `x-device-id`, and `x-device-name` when the device has a name, with the artifact. Characters outside visible
   * ASCII, and `%`, are percent-encoded as UTF-8.
   * @default true
   */
  readonly identify: boolean;
  /**
   * Send `repr-digest: sha-256=:…:` (RFC 9530) with the artifact.
   * @default true
   */
  readonly reprDigest: boolean;
  /**
   * Send `idempotency-key: "…"`, the same for every attempt of one push. Turn it on only for devices that honour it:
   * a POST is then repeated when nobody knows what became of the first.
   * @default false
   */
  readonly idempotencyKey: boolean;
  /**
   * Send the artifact's version as `x-firmware-version`, encoded like `x-device-id`.
   * @default false
   */
  readonly versionHeader: boolean;
  /**
   * The artifact's media type.
   * @default "application/octet-stream"
   */
  readonly contentType: string;
  /**
   * How the device's credentials are shown to it. `auto`: a token with every request; a name and password as the device
   * asks for them, but Basic over https alone. `basic`: with every request, over plain http too. `digest`, `bearer`:
   * no other scheme.
   * @default "auto"
   */
  readonly auth: AuthMode;
  /**
   * The request that is sent without body and login before an artifact, so that the device asks for the login before
   * the bytes leave. It must change nothing, and be one that the device answers with 401.
   * @default "HEAD" and the path of the send request
   */
  readonly challenge: string | undefined;
}

export const defaultSettings: Settings = Object.freeze({
  identify: true,
  reprDigest: true,
  idempotencyKey: false,
  versionHeader: false,
  contentType: "application/octet-stream",
  auth: "auto",
  challenge: undefined,
});

/** The names that a profile's `options` may hold here. */
export const settingNames: readonly string[] = Object.freeze(Object.keys(defaultSettings));

/** @throws `invalid_profile` for a name that is not known, and for a value that does not fit */
export function resolveSettings(base: Settings, given: unknown, prefix = "options."): Settings {
  if (given === undefined) return base;
  const fields = fieldsOf(given, "options", settingNames);
  const settings: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    checkSetting(name, prefix, value);
    settings[name] = value;
  }
  return Object.freeze(settings as unknown as Settings);
}

function checkSetting(name: string, prefix: string, value: unknown): void {
  if (name === "contentType") {
    if (typeof value === "string" && mediaType.test(value)) return;
    throw invalidProfile(`${prefix}${name}`, 'must be a media type such as "application/octet-stream"');
  }
  if (name === "auth") authModeOf(value, `${prefix}${name}`);
  else if (name === "challenge") challengeOf(value, `${prefix}${name}`);
  else if (typeof value !== "boolean") throw invalidProfile(`${prefix}${name}`, "must be true or false");
}

// RFC 9110 §8.3.1: type "/" subtype, then parameters.
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *; *[\w-]+=(?:[\w!#$&^.+-]+|"[^"\\\p{Cc}]*"))*$/u;
