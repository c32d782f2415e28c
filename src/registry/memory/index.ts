import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { DeviceInput } from "../../core/device-registry.ts";
import type { Profile } from "../../core/profile.ts";
import type { Registry } from "../../core/registry.ts";
import { semver, type VersionScheme } from "../../core/versions.ts";
import { createCursors } from "../cursor.ts";
import { invalidOption } from "../failures.ts";
import { checkList, only } from "../filter.ts";
import { Gate } from "../gate.ts";
import { namesOf } from "../plain.ts";
import { putDevice } from "../put-device.ts";
import { Sharing } from "../sharing.ts";
import { createArtifacts } from "./artifacts.ts";
import { DeviceTable } from "./device-table.ts";
import { createDevices, deviceRows } from "./devices.ts";
import type { Fleet } from "./fleet.ts";
import { ProfileTable } from "./profile-table.ts";
import { createProfiles } from "./profiles.ts";
import { createReports } from "./reports.ts";

export type * from "../../core/registry.ts";
export { exact, semver, type VersionScheme } from "../../core/versions.ts";

export interface MemoryRegistryOptions {
  /** Put before the registry is handed out. They cannot name profiles, since there are none yet. */
  readonly devices?: readonly DeviceInput[];
  /** How firmware versions compare. @default semver */
  readonly versions?: VersionScheme;
  /** @default the system's clock */
  readonly clock?: Clock;
}

const known = namesOf<MemoryRegistryOptions>({ devices: true, versions: true, clock: true });

/**
 * A registry that lasts as long as the process: for tests, for a bench, and for fleets that are declared in code. It
 * keeps every version of every profile, the last 100,000 changes at least, and artifacts' bytes on the heap.
 *
 * @throws `invalid_option` when one of `devices` is not accepted
 */
export function createMemoryRegistry(options: MemoryRegistryOptions = {}): Registry {
  only(options, known, "options");
  const { devices = [], versions = semver, clock = systemClock } = options;
  checkList(devices, "devices");
  let revision = 0;
  const gate = new Gate();
  const fleet: Fleet = {
    gate,
    clock,
    versions,
    cursors: createCursors(randomUUID()),
    profiles: new Sharing<Profile>(),
    nextRevision: () => {
      revision += 1;
      return revision;
    },
  };
  const deviceTable = new DeviceTable(fleet);
  const profileTable = new ProfileTable(fleet);
  const rows = deviceRows(deviceTable, profileTable);
  for (const [index, device] of devices.entries()) {
    const put = putDevice(rows, device);
    if ("reason" in put) throw invalidOption(`devices[${index}]: ${put.reason}`);
    if (put.result !== "created") throw invalidOption(`devices[${index}] has the id of an earlier one`);
  }
  return Object.freeze({
    devices: createDevices(fleet, deviceTable, profileTable),
    profiles: createProfiles(fleet, profileTable, deviceTable),
    artifacts: createArtifacts(fleet),
    reports: createReports(fleet, deviceTable),
    versions,
    async [Symbol.asyncDispose](): Promise<void> {
      gate.close();
    },
  });
}
