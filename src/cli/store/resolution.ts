import type { Profile, ProfileFilter, ProfileRegistry, ProfileRow, RegisteredDevice } from "../../core/index.ts";
import { resolveLayers, selectLayers } from "../../registry/resolve-profile.ts";

/** How one device is spoken to, and which profile each value comes from. */
export interface Resolution {
  readonly profile: Profile;
  /** The base profile and the overrides that apply, in the order in which they are laid over each other. */
  readonly layers: readonly ProfileRow[];
  /** JSON pointers into the profile, each with its value and with the layer that said so last. */
  readonly origins: readonly Origin[];
}

export interface Origin {
  readonly pointer: string;
  readonly value: unknown;
  /** The id of a profile; absent: the device's own. */
  readonly from?: string;
}

/** A device with neither a profile of its own nor a `profileId` resolves to nothing: its delivery's defaults hold. */
export async function resolveDevice(
  profiles: ProfileRegistry,
  device: RegisteredDevice,
  signal: AbortSignal,
): Promise<Resolution | undefined> {
  const profile = (await profiles.resolveMany([device], { signal })).get(device.id);
  if (profile === undefined) return undefined;
  const layers = device.profile === undefined ? await layersOf(profiles, device, signal) : [];
  const from = originsIn(layers);
  const origins = [...leavesOf(profile)].map(([pointer, value]) => {
    const layer = from.get(pointer);
    return { pointer, value, ...(layer !== undefined && { from: layer }) };
  });
  return { profile, layers, origins };
}

/** The base profile of a device and the overrides that apply to it, in their order. */
export async function layersOf(
  profiles: ProfileRegistry,
  device: Pick<RegisteredDevice, "id" | "group" | "profileId">,
  signal: AbortSignal,
): Promise<ProfileRow[]> {
  const base = (await profiles.getMany([device.profileId ?? ""], { signal })).get(device.profileId ?? "");
  if (base === undefined) return [];
  const children = new Map<string, ProfileRow[]>();
  for (let level: readonly ProfileRow[] = [base]; level.length > 0; ) {
    const next: ProfileRow[] = [];
    for (const { id: parent } of level) {
      const found = await overridesFor(profiles, parent, device, signal);
      children.set(parent, found);
      next.push(...found);
    }
    level = next;
  }
  return selectLayers(base, (parent) => children.get(parent) ?? []);
}

/** The direct overrides of a profile that are for the fleet, for the device's group or for itself. */
async function overridesFor(
  profiles: ProfileRegistry,
  parent: string,
  { id, group }: Pick<RegisteredDevice, "id" | "group">,
  signal: AbortSignal,
): Promise<ProfileRow[]> {
  const filters: ProfileFilter[] = [
    { parent, scope: "fleet" },
    ...(group === undefined ? [] : [{ parent, scope: "group", group } as const]),
    { parent, scope: "device", device: id },
  ];
  const found: ProfileRow[] = [];
  for (const filter of filters) {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await profiles.page(filter, { limit: 1_000, signal, ...(after !== undefined && { after }) });
      found.push(...page.items);
      after = page.next;
    }
  }
  return found;
}

/** By pointer the last layer that changed the value there. */
function originsIn(layers: readonly ProfileRow[]): ReadonlyMap<string, string> {
  const origins = new Map<string, string>();
  let before: ReadonlyMap<string, unknown> = new Map();
  for (const [index, { id }] of layers.entries()) {
    const now = leavesOf(resolveLayers(layers.slice(0, index + 1)));
    for (const [pointer, value] of now) if (before.get(pointer) !== value) origins.set(pointer, id);
    before = now;
  }
  return origins;
}

function leavesOf(value: unknown, pointer = ""): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return new Map([[pointer, typeof value === "object" ? JSON.stringify(value) : value]]);
  }
  const leaves = Object.entries(value).flatMap(([name, member]) => [
    ...leavesOf(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  ]);
  return new Map(leaves);
}
