import type { DeliveryTraits } from "../../core/delivery.ts";
import { type Profile, type ProfileRequest, purposes } from "../../core/profile.ts";
import { checkPath } from "../../http/path.ts";
import { type AuthMode, authModeOf } from "../shared/login.ts";
import { type PlanOf, remembering } from "../shared/plans.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";
import { compileRequest, type RequestPlan } from "../shared/request-plan.ts";

/** What SWUpdate's delivery takes besides requests. */
export interface SwupdateSettings {
  /**
   * The path of its websocket.
   * @default "/ws"
   */
  readonly channel: string;
  /**
   * Ask for a restart (`POST /restart`) once the image is installed. For devices that do not restart by themselves: it
   * runs the command that their SWUpdate was given as `-p`.
   * @default false
   */
  readonly restart: boolean;
  /**
   * How the device is shown its credentials. SWUpdate asks for Digest.
   * @default "auto"
   */
  readonly auth: AuthMode;
}

/**
 * How SWUpdate's web server is spoken to. A device's own profile changes it field by field; the settings go by the same
 * names in a profile's `options`, which win over those beside it. What a profile says of reading (`inspect`, `health`) is
 * for the probe that the device names, and is left alone here: SWUpdate has no version route.
 */
export interface SwupdateOptions extends Partial<SwupdateSettings>, Pick<Profile, "inspect" | "health" | "options"> {
  /** Path, query and headers of the upload, @default `POST /upload` */
  readonly send?: Omit<ProfileRequest, "form" | "checks">;
  /** Of the restart, @default `POST /restart` */
  readonly activate?: Omit<ProfileRequest, "form" | "checks">;
}

/** Checked, made once per profile and frozen. */
export interface SwupdatePlan {
  readonly send: RequestPlan;
  readonly restart: RequestPlan | undefined;
  readonly channel: string;
  /** Both paths are those that SWUpdate's web server has by itself. */
  readonly usual: boolean;
  readonly auth: AuthMode;
  readonly traits: DeliveryTraits;
}

/** Compiled into SWUpdate, so that there is never one without the other (mongoose_interface.c). */
const usual = { channel: "/ws", upload: "/upload" } as const;
const settingNames: readonly string[] = ["channel", "restart", "auth"];
const optionFields: readonly string[] = ["send", "activate", "inspect", "health", "options", ...settingNames];
const requestFields: readonly string[] = ["method", "path", "headers", "query"];
type Fields = Readonly<Record<string, unknown>>;

/** @throws `invalid_profile`, at once for the options and at the first use for a device's profile */
export function createPlans(options: SwupdateOptions = {}): PlanOf<SwupdatePlan> {
  const { send, activate, options: over, ...own } = fieldsOf(options, "the profile", optionFields);
  const settings = Object.fromEntries(Object.entries(own).filter(([name]) => settingNames.includes(name)));
  const base = {
    send: requestOf(send, "send"),
    activate: requestOf(activate, "activate"),
    settings: { ...settings, ...settingsOf(over) },
  };
  const plain = compile(base.send, base.activate, base.settings, over === undefined ? "" : "options.");
  return remembering(plain, (profile: Profile) => {
    const given = fieldsOf(profile, "the profile", [...purposes, "options"]);
    return compile(
      { ...base.send, ...requestOf(given["send"], "send") },
      { ...base.activate, ...requestOf(given["activate"], "activate") },
      { ...base.settings, ...settingsOf(given["options"]) },
      "options.",
    );
  });
}

function settingsOf(value: unknown): Fields {
  return value === undefined ? {} : fieldsOf(value, "options", settingNames);
}

function requestOf(value: unknown, where: string): Fields {
  return value === undefined ? {} : fieldsOf(value, where, requestFields);
}

function compile(send: Fields, activate: Fields, settings: Fields, prefix: string): SwupdatePlan {
  const { channel = usual.channel, restart = false, auth = "auto" } = settings;
  if (typeof restart !== "boolean") throw invalidProfile(`${prefix}restart`, "must be true or false");
  const request = (where: "send" | "activate", path: string, fields: Fields) =>
    compileRequest({ method: "POST", path, ...fields }, { where, methods: ["POST"], form: false });
  const order = request("activate", "/restart", activate);
  const upload = request("send", usual.upload, send);
  return Object.freeze({
    send: upload,
    restart: restart ? order : undefined,
    usual: upload.path === usual.upload && channel === usual.channel,
    channel: channelPath(channel, `${prefix}channel`),
    auth: authModeOf(auth, `${prefix}auth`),
    traits: traitsOf(restart),
  });
}

function channelPath(channel: unknown, where: string): string {
  try {
    checkPath(channel as string);
  } catch {
    throw invalidProfile(where, 'must be an absolute path such as "/ws"');
  }
  return channel as string;
}

/**
 * Its web server refuses these before it hands a byte to the installer: 500 when an update is under way or no memory is
 * left (mongoose_interface.c, upload_handler).
 */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 500]);

function traitsOf(restart: boolean): DeliveryTraits {
  return Object.freeze({
    resumable: false,
    repeat: "unsafe",
    refusals,
    verdict: "channel",
    activates: restart ? "on-request" : "itself",
  });
}
