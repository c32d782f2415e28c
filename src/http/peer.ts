import type { PeerIdentity } from "../core/transport.ts";
import type { Origin } from "./address.ts";
import type { Connection } from "./connection.ts";
import type { PinSet } from "./pinning.ts";

/** All connections to one origin under one set of pins: a connection made under other pins proves nothing here. */
export interface Peer {
  readonly key: string;
  readonly origin: Origin;
  readonly pins: PinSet | undefined;
  /** What a connection to it proves once it is open. */
  readonly identity: PeerIdentity;
  /** The most recently used idle connection, the others below it. */
  idle: Connection | undefined;
  /** Connections that exist, in use or idle. */
  connections: number;
}
