import type { Device, Profile } from "../core/index.ts";
import { servingOf } from "./client-options.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";
import { kinds } from "./wire.ts";

/* What can be seen to fail from the flags alone is no failed device: it is said before anything is sent. */

/** What a command was given. */
export interface Given {
  /** Devices that were named by their addresses: what is wrong with one of a store is its own failure. */
  readonly typed: readonly Device[];
  readonly devices: readonly Device[];
  readonly profile: Profile;
  readonly flags: Flags;
}

export type Demand = (given: Given) => void | Promise<void>;

const kindOf = ({ delivery = kinds[0] ?? "" }: Device): string => delivery;

/** Devices that tell no version: never, or not until the flags say where. */
const mute: Readonly<Record<string, (profile: Profile) => string | undefined>> = {
  swupdate: () => "name another kind with --probe",
  "elegant-ota": ({ inspect }) =>
    inspect === undefined ? "give --version-path, a route of the sketch, or name another kind with --probe" : undefined,
};

export const requireReadable: Demand = ({ typed, profile }) => {
  for (const device of typed) {
    const { probe = kindOf(device) } = device;
    const advice = Object.hasOwn(mute, probe) ? mute[probe]?.(profile) : undefined;
    if (advice !== undefined) throw new UsageError(`Devices tell no version via ${probe}; ${advice}.`);
  }
};

/** Kinds whose devices fetch the artifact from this command. */
const fetching: ReadonlySet<string> = new Set(["shelly-gen1", "shelly-gen2"]);

/**
 * Listens where artifacts are to be served, and stops at once.
 * @throws `invalid_option`
 */
export const requireServing: Demand = async ({ devices, flags }) => {
  if (!devices.some((device) => fetching.has(kindOf(device)))) return;
  const { createArtifactServer } = await import("../delivery/serve/index.ts");
  const server = await createArtifactServer(servingOf(flags));
  await server.close();
};

/** Without a version there would be nothing to hold a device against: better said before the bytes leave. */
export function requireVersion({ firmwareVersion }: Flags): void {
  if (firmwareVersion === undefined)
    throw new UsageError("Give --firmware-version, the version a device reports once it runs the artifact.");
}
