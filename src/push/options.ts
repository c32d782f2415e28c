import type { ArtifactRef, SignedDocument } from "../core/artifact.ts";
import { type Clock, type Random, systemClock } from "../core/clock.ts";
import type { Credentials } from "../core/credentials.ts";
import type { Delivery, Prober, ResumeToken } from "../core/delivery.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { ClientEvent } from "../core/events.ts";
import type { Evidence, Progress, Receipt } from "../core/outcome.ts";
import type { Profile } from "../core/profile.ts";
import type { DeviceRegistry, ProfileRegistry } from "../core/registry.ts";
import { semver, type VersionScheme } from "../core/versions.ts";
import type { TransportOptions } from "../http/index.ts";
import type { AdmissionOptions } from "./admission/index.ts";
import type { RetryOptions } from "./retry-policy.ts";
import type { VerificationOptions } from "./verification.ts";

/** What a client uses of a registry; any opened registry fits. */
export interface ClientRegistry {
  readonly devices: Pick<DeviceRegistry, "getMany" | "observe">;
  readonly profiles?: Pick<ProfileRegistry, "resolveMany">;
}

export interface ClientOptions {
  /** The protocols this client speaks; a device that names none gets the first. Default: generic HTTP. */
  readonly deliveries?: readonly Delivery[];
  /** Further ways to read a device's state, beside those that deliveries bring along. */
  readonly probers?: readonly Prober[];
  /** Lets devices be named by id; `update` records in it what it saw. */
  readonly registry?: ClientRegistry;
  /**
   * What a device wants to be shown: asked once for each call that speaks to a device, before its first request. They
   * go to that device's own origin alone. What it throws ends that call with `credentials_failed`, and nothing is sent.
   *
   * @example credentials: ({ id }) => ({ username: "admin", password: new Secret(passwords.get(id) ?? "") })
   */
  readonly credentials?: (device: Device) => Credentials | undefined | Promise<Credentials | undefined>;
  /**
   * How versions are told apart and put in order. Default: semantic versioning, and dotted numbers of any length beside it;
   * anything else is a name, and where an admission policy asks which of two is older, it is refused.
   */
  readonly versions?: VersionScheme;
  /**
   * What an artifact must show before the first byte of it leaves: signatures, age, hardware, versions. What does not pass
   * is refused with an error of phase `admission`. Default: nothing, artifacts are taken as they were opened.
   */
  readonly admission?: AdmissionOptions;
  /** CIDR ranges. Loopback, link-local, unspecified and multicast addresses are denied unless permitted. */
  readonly addressPolicy?: TransportOptions["addressPolicy"];
  readonly tls?: TransportOptions["tls"];
  /**
   * Resolves the names of devices; what it answers is held against `addressPolicy` like any address. For names that the
   * system does not know. Default: `dns.lookup`.
   */
  readonly lookup?: TransportOptions["lookup"];
  /** Milliseconds (`connect` 10,000, `stall` 60,000, `response` 30,000) and bytes per second (`minimumRate` 16,384). */
  readonly timeouts?: TransportOptions["timeouts"] & { readonly minimumRate?: number };
  readonly retry?: Partial<RetryOptions>;
  readonly limits?: TransportOptions["limits"] & {
    /** Pushes under way at once; the rest wait in order. Default 64. */
    readonly inFlight?: number;
    /**
     * Of those, at one `site`. Whoever waits for a place at its site takes none from the others. Devices without a site
     * count for none. Default: half of `inFlight`, rounded up.
     */
    readonly inFlightPerSite?: number;
    /** For all pushes of this client together. Default: no limit. */
    readonly bytesPerSecond?: number;
  };
  readonly verification?: Partial<VerificationOptions>;
  /** Called synchronously, while the client works: keep it short. What it throws ends as an uncaught exception. */
  readonly onEvent?: (event: ClientEvent) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface PushOptions {
  /** Ends the source, the connection, every wait and every read at once. What had been sent stays sent. */
  readonly signal?: AbortSignal;
  /** Headers added to the request that carries the bytes. */
  readonly headers?: Readonly<Record<string, string>>;
  /** At most ten times a second, and once at the end; `sent` never goes down within an attempt. A throw breaks the send off. */
  readonly onProgress?: (progress: Progress) => void;
  /** For this push alone, within the client's own limit. */
  readonly bytesPerSecond?: number;
  /** Default true: a device that installs on request is told to. */
  readonly activate?: boolean;
  /** Signed approvals of a downgrade, for a client with an admission policy: see `readSignedDocument`. */
  readonly approvals?: readonly SignedDocument[];
  /**
   * Goes on with a send that broke, in this process or another: the latest token that its `onResumable` was told. Only
   * for the same artifact, device, address and delivery; any other is refused before anything is sent. A device that
   * has forgotten the upload gets a new one, after it was read where it may have had all bytes.
   */
  readonly resume?: ResumeToken;
  /**
   * For deliveries that can resume: told when an upload begins and whenever the device confirmed how far it got. Awaited
   * before the next byte leaves, so whoever stores the token durably here can go on after a crash. A throw breaks the
   * send off.
   */
  readonly onResumable?: (token: ResumeToken) => void | Promise<void>;
}

export interface InspectOptions {
  readonly signal?: AbortSignal;
}

export interface VerifyOptions extends Partial<VerificationOptions> {
  readonly signal?: AbortSignal;
  /** The receipt of the send to verify. Without it nothing is known of an earlier boot or version. */
  readonly since?: Receipt;
  /**
   * What an earlier verification proved of this device. Where this one finds something else running, the event
   * `retracted` takes it back. Default: what the client's registry holds of the device.
   */
  readonly earlier?: Evidence;
}

export interface UpdateOptions extends PushOptions {
  /** Default false: a device that already runs the artifact is left alone. */
  readonly force?: boolean;
  readonly verification?: Partial<VerificationOptions>;
}

export interface PushManyOptions extends Omit<UpdateOptions, "resume"> {
  /** Each device's own token, where it has one. */
  readonly resume?: (device: Device) => ResumeToken | undefined;
  /** Devices under way at once, not counting those that wait for a place at their site. Default: `limits.inFlight` of the client. */
  readonly concurrency?: number;
  /** Default true. False: an outcome ends at `sent`, and nothing is claimed of what the device runs. */
  readonly verify?: boolean;
  /** How a device is spoken to, where that is not its own profile. */
  readonly profile?: (device: Device) => Profile | undefined;
}

/** A device, or the id of one in the client's registry. */
export type DeviceRef = Device | string;

export interface ResolvedOptions {
  readonly retry: RetryOptions;
  readonly verification: VerificationOptions;
  readonly connect: number;
  readonly response: number;
  readonly minimumRate: number;
  readonly inFlight: number;
  readonly inFlightPerSite: number;
  readonly bytesPerSecond: number;
  readonly versions: VersionScheme;
  readonly clock: Clock;
  readonly random: Random;
}

/** Resolves and range-checks what belongs to this room, once; the transport does the same with its own part. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const { retry, timeouts, limits } = options;
  const inFlight = count("limits.inFlight", limits?.inFlight, 64, 1, 100_000);
  return Object.freeze({
    retry: Object.freeze({
      attempts: count("retry.attempts", retry?.attempts, 3, 1, 100),
      base: ms("retry.base", retry?.base, 1_000),
      cap: ms("retry.cap", retry?.cap, 60_000),
      busyBase: ms("retry.busyBase", retry?.busyBase, 5_000),
      quietPeriod: ms("retry.quietPeriod", retry?.quietPeriod, 5_000),
    }),
    verification: Object.freeze(
      resolveVerification(options.verification ?? {}, { deadline: 900_000, stableFor: 5_000, newBoot: true }),
    ),
    connect: count("timeouts.connect", timeouts?.connect, 10_000, 1, 86_400_000),
    response: count("timeouts.response", timeouts?.response, 30_000, 1, 86_400_000),
    minimumRate: positive("timeouts.minimumRate", timeouts?.minimumRate, 16_384),
    inFlight,
    inFlightPerSite: count("limits.inFlightPerSite", limits?.inFlightPerSite, Math.ceil(inFlight / 2), 1, 100_000),
    bytesPerSecond: positive("limits.bytesPerSecond", limits?.bytesPerSecond, Number.POSITIVE_INFINITY),
    versions: options.versions ?? semver,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  });
}

/** A verification's options for one call over those of the client. */
export function resolveVerification(
  own: Partial<VerificationOptions> | undefined,
  defaults: VerificationOptions,
): VerificationOptions {
  if (own === undefined) return defaults;
  return {
    deadline: ms("verification.deadline", own.deadline, defaults.deadline),
    stableFor: ms("verification.stableFor", own.stableFor, defaults.stableFor),
    newBoot: flag("verification.newBoot", own.newBoot, defaults.newBoot),
  };
}

/** Milliseconds that one send of this artifact may take: connecting, the bytes at the lowest rate, the answer. */
export function sendTimeout(options: ResolvedOptions, artifact: ArtifactRef): number {
  return options.connect + Math.ceil((artifact.length / options.minimumRate) * 1_000) + options.response;
}

export function count(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidOption(name, `a whole number from ${min} to ${max}`, value);
}

export function positive(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value > 0) return value;
  throw invalidOption(name, "a number above 0", value);
}

/** 24 days: a longer timer of Node's fires at once. */
const longestMs = 2_147_483_647;

function ms(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value >= 0 && value <= longestMs) return value;
  throw invalidOption(name, `milliseconds, 0 to ${longestMs}`, value);
}

function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === "boolean") return value;
  throw invalidOption(name, "true or false", value);
}

/** The value itself is shown only when it is a number or a flag: a string could be a secret in the wrong place. */
export function invalidOption(name: string, wanted: string, value: unknown): FlashwaveError {
  const seen =
    typeof value === "number" || typeof value === "boolean" ? String(value) : value === null ? "null" : typeof value;
  return new FlashwaveError("invalid_option", `${name} must be ${wanted}, not ${seen}.`, { phase: "prepare" });
}
