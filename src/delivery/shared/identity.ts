import type { Identity } from "../../core/outcome.ts";
import type { PeerIdentity } from "../../core/transport.ts";

/** The strongest of what is known: the connection's own, then that it took credentials, then the id it told. */
export function identityOf(peer: PeerIdentity, credential: boolean, reportedItsId: boolean): Identity {
  if (peer !== "none") return peer;
  if (credential) return "credential";
  return reportedItsId ? "reported-id" : "address";
}
