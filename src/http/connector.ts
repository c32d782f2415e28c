import { lookup as systemLookup } from "node:dns";
import type { LookupFunction, Socket } from "node:net";
import { buildConnector } from "undici";
import { type AddressPolicy, denied } from "./address-policy.ts";
import type { Settings } from "./options.ts";

/** Opens one socket. Unlike its published type, undici's connector returns the socket while it is still connecting. */
export type Dial = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

/** The three ways to a device, each built once and shared by all connections. */
export interface Dialers {
  readonly plain: Dial;
  readonly verified: () => Dial;
  readonly pinned: () => Dial;
}

export function createDialers(settings: Settings): Dialers {
  const common = {
    // Ours is the deadline table.
    timeout: 0,
    // Leases of pooled memory rely on how an HTTP/1.1 socket drains.
    allowH2: false,
    // A resumed session skips the check of the peer's identity, by name and by pin alike.
    maxCachedSessions: 0,
    lookup: guardedLookup(settings.policy, settings.lookup ?? (systemLookup as LookupFunction)),
  };
  const secure = (rejectUnauthorized: boolean) =>
    once(() => {
      return buildConnector({ ...common, secureContext: settings.tls.context(), rejectUnauthorized }) as Dial;
    });
  return {
    plain: buildConnector(common as Parameters<typeof buildConnector>[0]) as Dial,
    verified: secure(true),
    // Only where a pin decides before a byte leaves, and only without an authority to ask (TlsOptions.pins).
    pinned: secure(settings.tls.ownAuthority),
  };
}

/**
 * A name is judged by what it resolves to, at the moment it is resolved for a connection: the very addresses that
 * passed are connected to, so an answer that changes between two lookups gains nothing.
 */
function guardedLookup(policy: AddressPolicy, lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family = 4) => {
      if (error) return callback(error, []);
      // A caller's own lookup may know one answer only.
      const addresses = Array.isArray(found) ? found : [{ address: found, family }];
      const passed = addresses.filter(({ address }) => policy.objection(address) === undefined);
      const [first] = passed;
      if (first === undefined) return callback(refusal(policy, hostname, addresses[0]?.address), []);
      if (options.all) return callback(null, passed);
      callback(null, first.address, first.family);
    });
  };
}

function refusal(policy: AddressPolicy, hostname: string, address: string | undefined): Error {
  const objection = address === undefined ? undefined : policy.objection(address);
  if (address === undefined || objection === undefined) {
    return Object.assign(new Error(`${hostname} has no address`), { code: "ENOTFOUND" });
  }
  return denied(hostname, address, objection);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
