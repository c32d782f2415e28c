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
  /**
   * `content-range`: a long artifact is sent by PUT in parts (RFC 9110 §14.5), each seen to have been kept before the
   * next, so that a broken send goes on where it broke. Whether the server honours it is found out with the second
   * part; one that does not is sent the whole. Meanwhile there is a part of the artifact where it is uploaded, so it is
   * for devices that install on request. Not together with `idempotencyKey`.
   * @default false: the artifact is sent in one request
   */
  readonly resume: "content-range" | false;
  /**
   * Bytes of each part but the first. What a part costs depends on the server: some copy what they have each time.
   * @default 8388608
   */
  readonly part: number;
}

export const defaultSettings: Settings = Object.freeze({
  identify: true,
  reprDigest: true,
  idempotencyKey: false,
  versionHeader: false,
  contentType: "application/octet-stream",
  auth: "auto",
  challenge: undefined,
  resume: false,
  part: 8_388_608,
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
  const where = `${prefix}${name}`;
  if (name === "contentType") {
    if (typeof value === "string" && mediaType.test(value)) return;
    throw invalidProfile(where, 'must be a media type such as "application/octet-stream"');
  }
  if (name === "auth") authModeOf(value, where);
  else if (name === "challenge") challengeOf(value, where);
  else if (name === "resume") {
    if (value !== "content-range" && value !== false) throw invalidProfile(where, 'must be "content-range" or false');
  } else if (name === "part") {
    const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= smallestPart;
    if (!fits) throw invalidProfile(where, `must be a whole number of bytes, at least ${smallestPart}`);
  } else if (typeof value !== "boolean") throw invalidProfile(where, "must be true or false");
}

/** Below this a part costs more for its requests than for its bytes. */
const smallestPart = 65_536;

// RFC 9110 §8.3.1: type "/" subtype, then parameters.
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *; *[\w-]+=(?:[\w!#$&^.+-]+|"[^"\\\p{Cc}]*"))*$/u;
