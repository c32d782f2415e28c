import type { Profile } from "../../core/profile.ts";
import type { Publisher } from "../../core/publication.ts";
import { checkPath } from "../../http/path.ts";
import { type PlanOf, remembering } from "../shared/plans.ts";
import { fieldsOf, invalidProfile } from "../shared/profile-rules.ts";

/** DSP8010 Settings: OperationApplyTime. */
const applyTimes = [
  "Immediate",
  "OnReset",
  "AtMaintenanceWindowStart",
  "InMaintenanceWindowOnReset",
  "OnStartUpdateRequest",
] as const;

/** What a Redfish service can be told besides an image. The same names stand in a profile's `options`. */
export interface Settings {
  /**
   * How credentials are shown: `session` logs in and out, `basic` sends them with every request. `auto` is `session`
   * over https; over plain http either shows the password to the whole way, and one of them has to be asked for.
   * @default "auto"
   */
  readonly auth: "auto" | "session" | "basic";
  /**
   * How the image goes there. `auto` takes the multipart push URI where there is one, else the raw one, else `pull`: the
   * service is told to fetch it (SimpleUpdate), which needs a `publisher`.
   * @default "auto"
   */
  readonly push: "auto" | "multipart" | "raw" | "pull";
  /** Milliseconds without a request of the device after which it is taken not to fetch. @default 60_000 */
  readonly patience: number;
  /** Paths of the resources to update, parted by spaces. Default: not said, and the service decides by the image. */
  readonly targets?: string;
  /** When the service installs. All but `Immediate` end as `staged`, unless `reset` is given. Default: the service's own. */
  readonly applyTime?: (typeof applyTimes)[number];
  /** Install also what the service takes for too old or the same. Default: not said. */
  readonly forceUpdate?: boolean;
  /**
   * The id of the firmware inventory member that reports the version. Default: the one among `targets`; else the
   * manager's active image where nothing but its images can be updated; else the only one that can be updated.
   */
  readonly inventory?: string;
  /** What is restarted to install: the only `manager`, the only `system`, or the path of one. Default: nothing. */
  readonly reset?: string;
  /** Default: `GracefulRestart`, or `ForceRestart` where that alone is offered. */
  readonly resetType?: string;
  /**
   * What tells of restarts: the only `manager`, or the path of one. Its time since `LastResetTime` then counts as the
   * device's uptime, so that a version is believed only after a restart. For services whose manager restarts with an
   * update; a manager whose clock is set back between two reads seems to have restarted. Default: nothing is asked.
   */
  readonly boot?: string;
  /** The device's id is the UUID of its service root: another UUID is another device. @default false */
  readonly uuid: boolean;
}

/** How Redfish services are spoken to. A device's own `options` change it setting by setting. */
export interface RedfishOptions extends Pick<Profile, "inspect" | "health" | "options">, Partial<Settings> {
  /** Serves the images that services fetch themselves: a `createArtifactServer`, where they can reach it. */
  readonly publisher?: Publisher;
}

export interface Plan extends Settings {
  readonly inspect: boolean;
  readonly health: boolean;
  readonly targetPaths: readonly string[];
  readonly publisher?: Publisher | undefined;
}

export const settingNames: readonly string[] = Object.freeze([
  ...[
    "auth",
    "push",
    "targets",
    "applyTime",
    "forceUpdate",
    "inventory",
    "reset",
    "resetType",
    "boot",
    "uuid",
    "patience",
  ],
]);

const path = (value: unknown): boolean => {
  try {
    checkPath(value as string);
    return true;
  } catch {
    return false;
  }
};
const oneOf =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    words.includes(value as string);
const flag = (value: unknown): boolean => typeof value === "boolean";
const word = (value: unknown): boolean => typeof value === "string" && /^[\w.\-:()]{1,128}$/.test(value);

const longestPatience = 86_400_000;

/** What each setting has to be, and how that is said. */
const rules: Readonly<Record<keyof Settings, readonly [fits: (value: unknown) => boolean, says: string]>> = {
  auth: [oneOf("auto", "session", "basic"), "must be auto, session or basic"],
  push: [oneOf("auto", "multipart", "raw", "pull"), "must be auto, multipart, raw or pull"],
  patience: [
    (value) => typeof value === "number" && value >= 1 && value <= longestPatience,
    `must be milliseconds, 1 to ${longestPatience}`,
  ],
  targets: [
    (value) => typeof value === "string" && splitTargets(value).length > 0 && splitTargets(value).every(path),
    "must be paths of resources, parted by spaces",
  ],
  applyTime: [oneOf(...applyTimes), `must be one of ${applyTimes.join(", ")}`],
  forceUpdate: [flag, "must be true or false"],
  inventory: [word, "must be the id of a firmware inventory member"],
  reset: [(value) => value === "manager" || value === "system" || path(value), "must be manager, system or a path"],
  resetType: [word, "must be a ResetType, such as GracefulRestart"],
  boot: [(value) => value === "manager" || path(value), "must be manager or a path"],
  uuid: [flag, "must be true or false"],
};

const splitTargets = (targets: string): readonly string[] => targets.split(/\s+/).filter((target) => target !== "");

const standard: Settings = Object.freeze({ auth: "auto", push: "auto", patience: 60_000, uuid: false });
const profileFields: readonly string[] = ["inspect", "health", "options"];

/**
 * `sending` knows every setting by name and takes no requests: a Redfish service names its own. `reading` may serve a
 * device whose profile is mostly about another delivery, and leaves alone what it does not know.
 *
 * @throws `invalid_profile`
 */
export function createPlans(options: RedfishOptions = {}): {
  readonly sending: PlanOf<Plan>;
  readonly reading: PlanOf<Plan>;
} {
  const given = fieldsOf(options, "redfish()", ["publisher", ...profileFields, ...settingNames]);
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => settingNames.includes(name)));
  const base = resolve(resolve(standard, own, ""), given["options"], "options.");
  const flags: RedfishOptions = given;
  refuseRequests(flags);
  const { publisher } = flags;
  if (publisher !== undefined && typeof Object(publisher).publish !== "function") {
    throw invalidProfile("publisher", "must be what serves the images, as createArtifactServer makes it");
  }
  const plan = planOf(base, flags, publisher);
  const over = (strict: boolean) =>
    remembering(plan, (profile: Profile) =>
      planOf(laidOver(base, profile, strict), { ...flags, ...profile }, publisher),
    );
  return { sending: over(true), reading: over(false) };
}

function laidOver(base: Settings, profile: Profile, strict: boolean): Settings {
  const { options } = profile;
  if (strict) {
    fieldsOf(profile, "a Redfish device's profile", profileFields);
    return resolve(base, options, "options.");
  }
  refuseRequests(profile);
  const known = Object.entries(options ?? {}).filter(([name]) => settingNames.includes(name));
  return resolve(base, Object.fromEntries(known), "options.");
}

/** A Redfish service is read where it says; a profile can only say that it is not. */
function refuseRequests(profile: Pick<Profile, "inspect" | "health">): void {
  for (const name of ["inspect", "health"] as const) {
    if (profile[name] !== undefined && profile[name] !== false) {
      throw invalidProfile(name, "can only be false here: a Redfish service says itself where it is read");
    }
  }
}

function resolve(base: Settings, given: unknown, prefix: string): Settings {
  if (given === undefined) return base;
  const settings: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(fieldsOf(given, "options", settingNames))) {
    if (value === undefined) continue;
    const [fits, says] = rules[name as keyof Settings];
    if (!fits(value)) throw invalidProfile(`${prefix}${name}`, says);
    settings[name] = value;
  }
  return settings as unknown as Settings;
}

function planOf(
  settings: Settings,
  { inspect, health }: Pick<Profile, "inspect" | "health">,
  publisher: Publisher | undefined,
): Plan {
  return Object.freeze({
    ...settings,
    publisher,
    inspect: inspect !== false,
    health: health !== false,
    targetPaths: Object.freeze(splitTargets(settings.targets ?? "")),
  });
}
