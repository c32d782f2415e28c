import type { Clock } from "../../core/clock.ts";
import type { Profile } from "../../core/profile.ts";
import type { ProfileScope } from "../../core/profile-registry.ts";
import type { VersionScheme } from "../../core/versions.ts";
import type { Counters } from "../../store/counters.ts";
import type { Connection, Database, TransactionHooks } from "../../store/sqlite/index.ts";
import type { Cursors } from "../cursor.ts";
import { invalidOption } from "../failures.ts";
import type { Gate } from "../gate.ts";
import type { Sharing } from "../sharing.ts";

/** What all tables of one fleet share. */
export interface Fleet {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly versions: VersionScheme;
  readonly cursors: Cursors;
  readonly profiles: Sharing<Profile>;
  readonly database: Database;
  readonly counters: Counters;
  /** Of the transaction that is open for writing. */
  readonly counts: FleetCounts;
}

/** The fleet's row without what never changes. */
export interface Counts {
  /** The last number given out of the one sequence. */
  readonly revision: number;
  /** The last one given to a profile change. */
  readonly profileRevision: number;
  /** Device changes up to this revision are forgotten. */
  readonly forgotten: number;
  readonly profiles: number;
  readonly overrides: Readonly<Record<ProfileScope, number>>;
  readonly items: number;
}

const fleetStatements = {
  settle: "UPDATE fleet SET versions = ? WHERE one = 1 AND versions IS NULL",
  identity: "SELECT store, versions FROM fleet WHERE one = 1",
  counts: `SELECT revision, profile_revision, forgotten, profiles, fleet_overrides, group_overrides, device_overrides, items
    FROM fleet WHERE one = 1`,
  keep: `UPDATE fleet SET revision = ?, profile_revision = ?, forgotten = ?, profiles = ?, fleet_overrides = ?,
    group_overrides = ?, device_overrides = ?, items = ? WHERE one = 1`,
} as const;

export function readCounts(on: Connection): Counts {
  const row = on.get(fleetStatements.counts) as readonly number[];
  const [revision = 0, profileRevision = 0, forgotten = 0, profiles = 0, fleet = 0, group = 0, device = 0, items = 0] =
    row;
  return { revision, profileRevision, forgotten, profiles, overrides: { fleet, group, device }, items };
}

/** The counters within a write transaction: read when it begins, written once when it ends. */
export class FleetCounts implements TransactionHooks {
  readonly #on: Connection;
  #counts: Counts | undefined;
  #kept: Counts | undefined;

  constructor(on: Connection) {
    this.#on = on;
  }

  get now(): Counts {
    if (this.#counts === undefined) throw new Error("counters change within a transaction alone");
    return this.#counts;
  }

  change(counts: Partial<Counts>): void {
    this.#counts = { ...this.now, ...counts };
  }

  /** The next number of the one sequence. */
  nextRevision(): number {
    const revision = this.now.revision + 1;
    this.change({ revision });
    return revision;
  }

  begin(): void {
    this.#counts = readCounts(this.#on);
    this.#kept = this.#counts;
  }

  mark(): () => void {
    const before = this.#counts;
    return () => {
      this.#counts = before;
    };
  }

  end(): void {
    if (this.#counts === this.#kept) return;
    const { revision, profileRevision, forgotten, profiles, overrides, items } = this.now;
    const { fleet, group, device } = overrides;
    this.#on.run(fleetStatements.keep, revision, profileRevision, forgotten, profiles, fleet, group, device, items);
  }
}

/**
 * Which store it is; a new one takes the version scheme.
 * @throws `invalid_option` when firmware versions were compared in another way so far: their keys are kept
 */
export async function identify(database: Database, versions: VersionScheme): Promise<string> {
  const [store, scheme] = await database.write((on) => {
    on.run(fleetStatements.settle, versions.name);
    return on.get(fleetStatements.identity) as readonly [string, string];
  });
  if (scheme === versions.name) return store;
  throw invalidOption("versions must be the scheme that this registry was first opened with");
}
