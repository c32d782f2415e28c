import {
  type DeviceFilter,
  type DeviceRegistry,
  type DeviceStatus,
  type RegisteredDevice,
  semver,
} from "../../core/index.ts";
import { given } from "../given.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { momentOf } from "../values.ts";

/** Flags that choose devices of a fleet. All that are given must hold. */
export interface FilterFlags {
  readonly group?: string;
  readonly tag?: readonly string[];
  readonly site?: string;
  readonly location?: string;
  readonly profile?: string;
  readonly status?: string;
  readonly firmwareMin?: string;
  readonly firmwareMax?: string;
  readonly firmwareAbove?: string;
  readonly firmwareBelow?: string;
  readonly seenBefore?: string;
  readonly seenAfter?: string;
  readonly match?: string;
}

export const filterRows: readonly (readonly [flags: string, description: string])[] = [
  ["--group <group>", "devices of this group"],
  ["--tag <tag>", "with this tag; given again, with all of them"],
  ["--site <site>", "at this site"],
  ["--location <location>", "at this location"],
  ["--profile <id>", "with this profile"],
  ["--status <status>", "last observed online, offline or unknown"],
  ["--firmware-min <version>", "last seen running this version or a later one"],
  ["--firmware-max <version>", "this version or an earlier one"],
  ["--firmware-above <version>", "later than this version"],
  ["--firmware-below <version>", "earlier than this version"],
  ["--seen-before <when>", "not seen since: a date, or how long ago (30m, 24h, 7d)"],
  ["--seen-after <when>", "seen then or later"],
  ["--match <text>", "with this text in id or name"],
];

/** What the flags choose; absent where none was given. */
export function filterOf(flags: FilterFlags): DeviceFilter | undefined {
  const { group, tag: tags, site, location, profile: profileId, status, match: text } = flags;
  if (status !== undefined && status !== "online" && status !== "offline" && status !== "unknown")
    throw new UsageError("--status takes online, offline or unknown.");
  const firmware = given({
    min: boundOf("--firmware-min", flags.firmwareMin),
    max: boundOf("--firmware-max", flags.firmwareMax),
    above: boundOf("--firmware-above", flags.firmwareAbove),
    below: boundOf("--firmware-below", flags.firmwareBelow),
  });
  const filter = given({
    group,
    tags,
    site,
    location,
    profileId,
    status: status as DeviceStatus | undefined,
    firmware: Object.keys(firmware).length === 0 ? undefined : firmware,
    seenBefore: flags.seenBefore === undefined ? undefined : momentOf("--seen-before", flags.seenBefore),
    seenAfter: flags.seenAfter === undefined ? undefined : momentOf("--seen-after", flags.seenAfter),
    text,
  });
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** What has no place in the order is before all versions: as a bound it would choose none of them, or all, without a word. */
function boundOf(flag: string, version: string | undefined): string | undefined {
  if (version === undefined || semver.orders(version)) return version;
  throw new UsageError(
    `${flag} takes a version of numbers between dots, such as 2.4.0, 2.4.0-rc.1 or 2.10, not ${JSON.stringify(printable(version))}.`,
  );
}

/** Pages of what a filter chooses, in the order of ids; none is held longer than it is looked at. */
export async function* devicePages(
  devices: Pick<DeviceRegistry, "page">,
  filter: DeviceFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly RegisteredDevice[], void> {
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await devices.page(filter, { limit: 500, signal, ...(after !== undefined && { after }) });
    if (page.items.length > 0) yield page.items;
    after = page.next;
  }
}
