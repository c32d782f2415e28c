import type { Counters } from "../store/counters.ts";
import type { Cursors } from "./cursor.ts";
import type { Gate } from "./gate.ts";

/** What every call to a registry in a database passes: whether it is open, what it costs, whose its cursors are. */
export interface Keeper {
  readonly gate: Gate;
  readonly counters: Counters;
  readonly cursors: Cursors;
}
