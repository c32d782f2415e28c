import type { DeviceCredentials } from "./credentials.ts";
import type { Profile } from "./profile.ts";

/** A receiver of firmware. Only `id` and `address` are needed to push to one. */
export interface Device {
  /** The caller's own name for it: unique in a fleet, 1 to 256 printable characters. */
  readonly id: string;
  /** `http://` or `https://`, host and optional port. No credentials, path, query or fragment. */
  readonly address: string;
  readonly name?: string;
  /** The delivery kind that speaks this device's protocol. Default: the client's first. */
  readonly delivery?: string;
  /** The probe kind that reads this device's state. Default: the one its delivery brings along. */
  readonly probe?: string;
  /**
   * How this device differs from its delivery's defaults. Freeze and share one object between like devices: it is compiled
   * once. A registry keeps none whose headers hold a login.
   */
  readonly profile?: Profile;
  /** Certificate pins, `sha256/<base64 of the SPKI hash>` or a colon-separated SHA-256 fingerprint. Any one may match. */
  readonly pins?: readonly string[];
  /**
   * Where its login is to be found. A client looks there where it was given no `credentials` of its own, or by
   * `referencedCredentials` where they say.
   */
  readonly credentials?: DeviceCredentials;
  /** The one group it belongs to: profiles are overridden per group. */
  readonly group?: string;
  /** Free labels, for selection. */
  readonly tags?: readonly string[];
  /** Where it stands: caps are per site. */
  readonly site?: string;
  readonly location?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export type DeviceStatus = "online" | "offline" | "unknown";
