import type { Clock } from "../../core/clock.ts";
import type { Profile } from "../../core/profile.ts";
import type { VersionScheme } from "../../core/versions.ts";
import type { Cursors } from "../cursor.ts";
import type { Gate } from "../gate.ts";
import type { Sharing } from "../sharing.ts";

/** What all tables of one fleet share. */
export interface Fleet {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly versions: VersionScheme;
  readonly cursors: Cursors;
  readonly profiles: Sharing<Profile>;
  /** The next number of the one sequence. */
  nextRevision(): number;
}
