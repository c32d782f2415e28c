import type { Clock } from "../../core/clock.ts";
import type { Profile } from "../../core/profile.ts";
import type { VersionScheme } from "../../core/versions.ts";
import type { Counters } from "../../store/counters.ts";
import type { Database } from "../../store/postgres/index.ts";
import type { Cursors } from "../cursor.ts";
import { invalidOption } from "../failures.ts";
import type { Gate } from "../gate.ts";
import type { Sharing } from "../sharing.ts";
import { durably } from "./function-parts.ts";

/** What all tables of one fleet share. */
export interface Fleet {
  /** What its rows are known by. */
  readonly key: number;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly versions: VersionScheme;
  readonly cursors: Cursors;
  readonly profiles: Sharing<Profile>;
  readonly database: Database;
  readonly counters: Counters;
}

/** A fleet's row as it is kept. */
export interface FleetIdentity {
  readonly key: number;
  /** What sets it apart from all other fleets, of this database or of others. */
  readonly store: string;
}

const fleetStatements = {
  find: "SELECT key, store, versions FROM flashwave.fleet WHERE name = $1",
  add: `INSERT INTO flashwave.fleet (name, store, versions) VALUES ($1, gen_random_uuid()::text, $2)
    ON CONFLICT (name) DO NOTHING RETURNING ${durably}`,
} as const;

/**
 * Finds a fleet by its name; a new one takes the version scheme.
 * @throws `invalid_option` when firmware versions were compared in another way so far: their keys are kept; when there is
 * no such fleet, and none is to be made
 */
export async function identify(
  database: Database,
  name: string,
  versions: VersionScheme,
  make: boolean,
): Promise<FleetIdentity> {
  const find = async () => (await database.all(fleetStatements.find, name))[0];
  let row = database.isEmpty ? undefined : await find();
  if (row === undefined) {
    if (!make) throw invalidOption("fleet must be the name of one that the database holds");
    await database.write(() => database.attempt((on) => on.all(fleetStatements.add, name, versions.name)), []);
    row = await find();
  }
  const [key, store, scheme] = row as readonly [number, string, string];
  if (scheme === versions.name) return { key, store };
  throw invalidOption("versions must be the scheme that this registry was first opened with");
}
