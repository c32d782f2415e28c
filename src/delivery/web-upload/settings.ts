import { checkPath } from "../../http/path.ts";
import { compilePointer } from "../shared/json-pointer.ts";
import { type AuthMode, authModeOf, challengeOf } from "../shared/login.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";

/**
 * What a web upload takes besides requests. Texts marked with * are filled in for each artifact: `{size}` in bytes,
 * `{sha256}` and `{md5}` in hexadecimal, `{version}`, `{name}`, and `{trial}` in seconds or `{trialMinutes}`, rounded up.
 * The same holds for the query, the form and the JSON of the `send` request.
 */
export interface UploadSettings {
  /** The field of the form that holds the file. @default "file" */
  readonly field: string;
  /** What the file is called (*). Many devices take a part for a file only if it has a name. @default "firmware.bin" */
  readonly filename: string;
  /** The media type of the file's part. @default "application/octet-stream" */
  readonly contentType: string;
  /** The field of the form that holds the `send` request's JSON. @default "json" */
  readonly jsonField: string;
  /** A request without a body to be made before each upload (*): `"GET /up"`. @default "", none */
  readonly before: string;
  /** Text that the answer to the upload must hold. @default "", none */
  readonly success: string;
  /** Text that no answer to an upload holds unless it failed. @default "", none */
  readonly failure: string;
  /** JSON pointer to a number in a 2xx answer that counts as if it were the status. @default "", none */
  readonly errorCode: string;
  /** Seconds for which the device tries a new version before it goes back by itself. @default 1200 */
  readonly trial: number;
  /**
   * Where the device says that what it runs is committed: a path that is read after a commit that failed, `#`, and a JSON
   * pointer to what is then `true` (`"/state#/committed"`). Many refuse a commit where nothing is on trial. @default "", none
   */
  readonly committed: string;
  /** How the device's credentials are shown to it, as for `http()`. @default "auto" */
  readonly auth: AuthMode;
  /**
   * What is sent without body and login before an artifact, so that the device asks for the login before the bytes
   * leave: a request that changes nothing, and that it answers with 401. @default "", HEAD and the path of `send`
   */
  readonly challenge: string;
  /**
   * Send a name and password in the query of the read-back too, for releases that know no other way. They then stand in
   * the device's log, and in that of everything between. @default false
   */
  readonly loginInQuery: boolean;
}

/** The trial outlasts the verification's default deadline of 15 minutes: who is still looking has not decided yet. */
export const defaultSettings: UploadSettings = Object.freeze({
  field: "file",
  filename: "firmware.bin",
  contentType: "application/octet-stream",
  jsonField: "json",
  before: "",
  success: "",
  failure: "",
  errorCode: "",
  trial: 1_200,
  committed: "",
  auth: "auto",
  challenge: "",
  loginInQuery: false,
});

/** The names that a profile's `options` may hold here. */
export const settingNames: readonly string[] = Object.freeze(Object.keys(defaultSettings));

/** @throws `invalid_profile` for a name that is not known, and for a value that does not fit */
export function resolveSettings(base: UploadSettings, given: unknown): UploadSettings {
  if (given === undefined) return base;
  const fields = fieldsOf(given, "options", settingNames);
  const settings: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (name === "auth") authModeOf(value);
    if (name === "challenge" && value !== "") challengeOf(value);
    const problem = problemOf(name, value);
    if (problem !== undefined) throw invalidProfile(`options.${name}`, problem);
    settings[name] = value;
  }
  return Object.freeze(settings as unknown as UploadSettings);
}

function problemOf(name: string, value: unknown): string | undefined {
  if (name === "loginInQuery") return typeof value === "boolean" ? undefined : "must be true or false";
  if (name === "trial") {
    const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= 86_400;
    return fits ? undefined : "must be a whole number of seconds from 0 to 86400";
  }
  if (typeof value !== "string" || value.length > 1_024) return "must be text of at most 1,024 characters";
  if ((name === "field" || name === "jsonField" || name === "filename") && !fieldText.test(value)) {
    return "must be 1 to 1,024 printable characters without quotes";
  }
  if (name === "contentType" && !mediaType.test(value))
    return 'must be a media type such as "application/octet-stream"';
  if (name === "errorCode" && compilePointer(value) === undefined) return "must be a JSON pointer (RFC 6901)";
  if (name === "before" && value !== "" && readBefore(value) === undefined) {
    return 'must be a method and a path, such as "GET /up"';
  }
  if (name === "committed" && value !== "" && readCommitted(value) === undefined) {
    return 'must be a path, "#" and a JSON pointer, such as "/state#/committed"';
  }
  return undefined;
}

const fieldText = /^[^\p{Cc}"]+$/u;
// RFC 9110 §8.3.1, without parameters: the readers of these devices take none.
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/** `"GET /up"` as a method and a path; nothing when it is none. */
export function readBefore(text: string): { readonly method: string; readonly path: string } | undefined {
  const [, method = "", path = ""] = /^(GET|HEAD|POST|PUT) (\/.*)$/.exec(text) ?? [];
  return isPath(path.replaceAll(/[{}]/g, "")) ? { method, path } : undefined;
}

/** `"/state#/committed"` as a path and a JSON pointer; nothing when it is none. */
export function readCommitted(text: string): { readonly path: string; readonly pointer: string } | undefined {
  const [, path = "", pointer = ""] = /^(\/[^#]*)#(\/.*)$/.exec(text) ?? [];
  return isPath(path) && compilePointer(pointer) !== undefined ? { path, pointer } : undefined;
}

function isPath(path: string): boolean {
  try {
    checkPath(path);
    return true;
  } catch {
    return false; // what the transport says of a path, the caller says of the option
  }
}
