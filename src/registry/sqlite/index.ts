import { type Clock, systemClock } from "../../core/clock.ts";
import type { Profile } from "../../core/profile.ts";
import type { Registry } from "../../core/registry.ts";
import { semver, type VersionScheme } from "../../core/versions.ts";
import { Counters, type OperationCounters, type OperationRecord } from "../../store/counters.ts";
import { Database, type DatabaseStatistics } from "../../store/sqlite/index.ts";
import { createCursors } from "../cursor.ts";
import { invalidOption } from "../failures.ts";
import { Feed } from "../feed.ts";
import { only } from "../filter.ts";
import { Gate } from "../gate.ts";
import { keepArtifacts, sweepArtifacts } from "../kept-artifacts.ts";
import { Sharing } from "../sharing.ts";
import { createArtifactRows } from "./artifacts.ts";
import { DeviceTable } from "./device-table.ts";
import { createDevices } from "./devices.ts";
import { type Fleet, FleetCounts, identify } from "./fleet.ts";
import { ProfileTable } from "./profile-table.ts";
import { createProfiles } from "./profiles.ts";
import { createReports } from "./reports.ts";
import { schema } from "./schema.ts";

export type * from "../../core/registry.ts";
export { exact, semver, type VersionScheme } from "../../core/versions.ts";
export type { OperationCounters, OperationRecord } from "../../store/counters.ts";
export type { DatabaseStatistics } from "../../store/sqlite/index.ts";

export interface SqliteRegistryOptions {
  /** How firmware versions compare. Fixed when the file is made. @default semver */
  readonly versions?: VersionScheme;
  /** Milliseconds to wait for another process that holds the file's write lock. @default 30_000 */
  readonly patience?: number;
  /** Called after each operation, a performance log's line. What it throws ends as an uncaught exception. */
  readonly onOperation?: (record: OperationRecord) => void;
  /** @default the system's clock */
  readonly clock?: Clock;
}

/** What was asked of a registry since it was opened. */
export interface SqliteStatistics extends DatabaseStatistics {
  readonly operations: readonly OperationCounters[];
}

export interface SqliteRegistry extends Registry {
  statistics(): SqliteStatistics;
}

/**
 * Opens the fleet in a file, or makes one: a file is a fleet. Artifacts' bytes are in the folder beside it,
 * `<path>.artifacts`. Several processes of one machine may have it open at once; keep it on a local disk.
 *
 * What a write returns is on the disk (WAL, `synchronous` FULL); writes that are asked for together share one commit.
 * The device feed remembers the last 1,000,000 revisions, profiles keep every version.
 *
 * @throws `registry_failed` when the file is another program's, damaged at its head or in its schema, newer than this code, not writable, or when
 * its folder is missing: nothing is written to it then
 * @throws `invalid_option` for an option out of range, and for another version scheme than the file was made with
 *
 * @example
 * await using registry = await openSqliteRegistry("fleet.db");
 * await registry.devices.put([{ id: "pos-001", address: "http://10.0.0.17" }]);
 */
export async function openSqliteRegistry(path: string, options: SqliteRegistryOptions = {}): Promise<SqliteRegistry> {
  const { versions, patience, onOperation, clock } = readOptions(path, options);
  const database = await Database.open(path, { schema, patience });
  try {
    const counts = new FleetCounts(database.writer);
    database.begin(counts);
    const cursors = createCursors(await identify(database, versions));
    const counters = new Counters(path, () => clock.wall(), onOperation);
    const profiles = new Sharing<Profile>();
    return await furnish({ gate: new Gate(), clock, versions, cursors, profiles, database, counters, counts }, path);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function readOptions(path: string, options: SqliteRegistryOptions) {
  only(options, ["versions", "patience", "onOperation", "clock"], "options");
  const { versions = semver, patience = 30_000, onOperation, clock = systemClock } = options;
  // SQLite takes an empty name, ":memory:" and "file:" for something else than a file's path.
  if (typeof path !== "string" || /^$|\0/.test(path) || path.startsWith(":") || path.startsWith("file:")) {
    throw invalidOption("path must be the path of a file");
  }
  if (!Number.isFinite(patience) || patience < 0) throw invalidOption("patience must be milliseconds from 0");
  return { versions, patience, onOperation, clock };
}

async function furnish(fleet: Fleet, path: string): Promise<SqliteRegistry> {
  const { gate, versions, database, counters, cursors } = fleet;
  const [devices, profiles] = [new DeviceTable(fleet), new ProfileTable(fleet)];
  const folder = `${path}.artifacts`;
  const artifacts = createArtifactRows(fleet);
  await sweepArtifacts(artifacts, folder, fleet.clock.wall());
  return Object.freeze({
    devices: createDevices(fleet, devices, profiles, new Feed(cursors, "devices")),
    profiles: createProfiles(fleet, profiles, devices, new Feed(cursors, "profiles")),
    artifacts: keepArtifacts(fleet, artifacts, folder),
    reports: createReports(fleet, devices),
    versions,
    statistics: (): SqliteStatistics => ({ ...database.statistics(), operations: counters.read() }),
    async [Symbol.asyncDispose](): Promise<void> {
      gate.close();
      await database.close();
    },
  });
}
