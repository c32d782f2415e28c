import { blockSize } from "../../bytes/index.ts";
import { type AuthMode, authModeOf } from "../shared/login.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";

/** What the tus delivery takes besides requests. */
export interface TusSettings {
  /**
   * Most bytes that one PATCH carries: a multiple of 262,144, for servers and proxies that limit a body. 0: one PATCH
   * carries all that is left, which is the fastest, and resumes just as well.
   * @default 0
   */
  readonly chunkBytes: number;
  /**
   * Send `Upload-Checksum` where the server advertises an algorithm that we have. A server can only check a part that
   * came whole, so parts are then no larger than 4 MiB unless `chunkBytes` says otherwise, and each is read twice.
   * @default true
   */
  readonly checksum: boolean;
  /**
   * Send the first part along with the creation where the server advertises that: one round trip less. Until its answer
   * there is no upload to resume, so it is for small artifacts. Not used together with checksums.
   * @default false
   */
  readonly createWithUpload: boolean;
  /**
   * How the device's credentials are shown to it: `auto`, `basic`, `digest` or `bearer`, as for the plain HTTP delivery.
   * @default "auto"
   */
  readonly auth: AuthMode;
}

export const defaultSettings: TusSettings = Object.freeze({
  chunkBytes: 0,
  checksum: true,
  createWithUpload: false,
  auth: "auto",
});

/** The names that a profile's `options` may hold here. */
export const settingNames: readonly string[] = Object.freeze(Object.keys(defaultSettings));

/** @throws `invalid_profile` for a name that is not known, and for a value that does not fit */
export function resolveSettings(base: TusSettings, given: unknown, prefix = "options."): TusSettings {
  if (given === undefined) return base;
  const { chunkBytes, checksum, createWithUpload, auth } = fieldsOf(given, "options", settingNames);
  return Object.freeze({
    chunkBytes: sizeOf(chunkBytes, `${prefix}chunkBytes`, base.chunkBytes),
    checksum: flagOf(checksum, `${prefix}checksum`, base.checksum),
    createWithUpload: flagOf(createWithUpload, `${prefix}createWithUpload`, base.createWithUpload),
    auth: auth === undefined ? base.auth : authModeOf(auth, `${prefix}auth`),
  });
}

function sizeOf(value: unknown, where: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value % blockSize === 0) return value;
  throw invalidProfile(where, `must be a multiple of ${blockSize} bytes, or 0 for no limit`);
}

function flagOf(value: unknown, where: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === "boolean") return value;
  throw invalidProfile(where, "must be true or false");
}
