import type { ArtifactStore } from "../../core/artifact-store.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { Profile } from "../../core/profile.ts";
import type { Registry } from "../../core/registry.ts";
import { semver, type VersionScheme } from "../../core/versions.ts";
import { Counters, type OperationCounters, type OperationRecord } from "../../store/counters.ts";
import { Database, type DatabaseStatistics, type PostgresPool } from "../../store/postgres/index.ts";
import { createCursors } from "../cursor.ts";
import { invalidOption } from "../failures.ts";
import { Feed } from "../feed.ts";
import { only } from "../filter.ts";
import { Gate } from "../gate.ts";
import { keepArtifacts, sweepArtifacts } from "../kept-artifacts.ts";
import { isPrintable } from "../plain.ts";
import { Sharing } from "../sharing.ts";
import { createArtifactRows, guardArtifacts, noArtifacts } from "./artifacts.ts";
import { DeviceTable } from "./device-table.ts";
import { createDevices } from "./devices.ts";
import { type Fleet, identify } from "./fleet.ts";
import { ProfileTable } from "./profile-table.ts";
import { createProfiles } from "./profiles.ts";
import { createReports } from "./reports.ts";
import { schema } from "./schema.ts";

export type * from "../../core/registry.ts";
export { exact, semver, type VersionScheme } from "../../core/versions.ts";
export type { OperationCounters, OperationRecord } from "../../store/counters.ts";
export type { DatabaseStatistics, PostgresClient, PostgresPool, PostgresQuery } from "../../store/postgres/index.ts";

export interface PostgresRegistryOptions {
  /** One of the fleets in the database, made when there is none of this name. @default "default" */
  readonly fleet?: string;
  /**
   * Whether a fleet that the database does not hold is made; false: that is an `invalid_option`, and nothing is written to a
   * database without fleets. @default true
   */
  readonly make?: boolean;
  /**
   * Where artifacts are kept: a folder that all who share the fleet can reach, or a store of your own, which is yours to
   * close. Absent: nowhere; `registry.artifacts` then fails with `invalid_option`.
   */
  readonly artifacts?: string | ArtifactStore;
  /** How firmware versions compare. Fixed when the fleet is made. @default semver */
  readonly versions?: VersionScheme;
  /** Milliseconds to wait for the database's answer, and to try again what it gave up for others. @default 30_000 */
  readonly patience?: number;
  /** Called after each operation, a performance log's line. What it throws ends as an uncaught exception. */
  readonly onOperation?: (record: OperationRecord) => void;
  /** @default the system's clock */
  readonly clock?: Clock;
}

/** What was asked of a registry since it was opened. */
export interface PostgresStatistics extends DatabaseStatistics {
  readonly operations: readonly OperationCounters[];
}

export interface PostgresRegistry extends Registry {
  statistics(): PostgresStatistics;
}

/**
 * Opens a fleet in a PostgreSQL database (14 or newer, encoding UTF8), or makes one. Processes on any number of machines
 * may have it open at once. All that Flashwave keeps there is in the schema `flashwave`, made when it is missing.
 *
 * Every write is one statement: it is on the server's disk when it returns, and a process that stops in the middle holds no
 * lock. Writes that are asked for together share a commit. The device feed remembers the last 1,000,000 revisions, profiles
 * keep every version.
 *
 * @param to a connection string (`postgres://…`) for a pool of our own: 10 connections, which are closed with the registry;
 * or a pool of yours (a `Pool` of `pg` 8), which stays yours to close. The former needs the package `pg`.
 *
 * @throws `registry_failed` when the server cannot be reached, refuses the login, is too old, or its user lacks rights; when
 * the schema is another program's or newer than this code: nothing is written to it then
 * @throws `invalid_option` for an option out of range, for another version scheme than the fleet was made with, and for a
 * fleet that there is not where none is to be made
 *
 * @example
 * await using registry = await openPostgresRegistry("postgres://flashwave@db.example/fleets", { artifacts: "/srv/artifacts" });
 * await registry.devices.put([{ id: "pos-001", address: "http://10.0.0.17" }]);
 */
export async function openPostgresRegistry(
  to: string | PostgresPool,
  options: PostgresRegistryOptions = {},
): Promise<PostgresRegistry> {
  const { fleet: name, make, artifacts, versions, patience, onOperation, clock } = readOptions(to, options);
  const database = await Database.open(to, { schema, make, patience });
  try {
    const { key, store } = await identify(database, name, versions, make);
    const cursors = createCursors(store);
    const counters = new Counters(name, () => clock.wall(), onOperation);
    const profiles = new Sharing<Profile>();
    return await furnish({ key, gate: new Gate(), clock, versions, cursors, profiles, database, counters }, artifacts);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function readOptions(to: string | PostgresPool, options: PostgresRegistryOptions) {
  only(options, ["fleet", "make", "artifacts", "versions", "patience", "onOperation", "clock"], "options");
  const {
    fleet = "default",
    make = true,
    artifacts,
    versions = semver,
    patience = 30_000,
    onOperation,
    clock = systemClock,
  } = options;
  if (!(typeof to === "string" ? /^postgres(ql)?:\/\//.test(to) : typeof to?.connect === "function")) {
    throw invalidOption("give a connection string, postgres://user@host:5432/database, or a pool of pg");
  }
  if (!isPrintable(fleet, 256)) throw invalidOption("fleet must be 1 to 256 printable characters");
  if (typeof make !== "boolean") throw invalidOption("make must be true or false");
  if (typeof artifacts === "string" && /^$|\0/.test(artifacts))
    throw invalidOption("artifacts must be the path of a folder, or a store");
  // A timer takes no more.
  if (!Number.isFinite(patience) || patience < 1 || patience > 2_147_483_647) {
    throw invalidOption("patience must be milliseconds from 1");
  }
  return { fleet, make, artifacts, versions, patience, onOperation, clock };
}

async function furnish(fleet: Fleet, artifacts: string | ArtifactStore | undefined): Promise<PostgresRegistry> {
  const { gate, versions, database, counters, cursors } = fleet;
  return Object.freeze({
    devices: createDevices(fleet, new DeviceTable(fleet), new Feed(cursors, "devices")),
    profiles: createProfiles(fleet, new ProfileTable(fleet), new Feed(cursors, "profiles")),
    artifacts: await furnishArtifacts(fleet, artifacts),
    reports: createReports(fleet),
    versions,
    statistics: (): PostgresStatistics => ({ ...database.statistics(), operations: counters.read() }),
    async [Symbol.asyncDispose](): Promise<void> {
      gate.close();
      await database.close();
    },
  });
}

async function furnishArtifacts(fleet: Fleet, artifacts: string | ArtifactStore | undefined): Promise<ArtifactStore> {
  if (artifacts === undefined) return guardArtifacts(fleet, noArtifacts);
  if (typeof artifacts !== "string") return guardArtifacts(fleet, artifacts);
  const rows = createArtifactRows(fleet);
  await sweepArtifacts(rows, artifacts, fleet.clock.wall());
  return keepArtifacts(fleet, rows, artifacts);
}
