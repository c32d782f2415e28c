import { createPace } from "../bytes/index.ts";
import type { Delivery } from "../core/delivery.ts";
import type { ClientEvent } from "../core/events.ts";
import type { Pace, Transport } from "../core/transport.ts";
import { Admission, type AdmissionPolicy } from "./admission/index.ts";
import type { ClientOptions, ClientRegistry, ResolvedOptions } from "./options.ts";
import { Routes } from "./routes.ts";
import { Sites } from "./site/sites.ts";
import { createWaiting, type Waiting } from "./waiting.ts";

/** What all devices of one client share. */
export interface Shared {
  readonly transport: Transport;
  readonly routes: Routes;
  readonly sites: Sites;
  readonly options: ResolvedOptions;
  readonly waiting: Waiting;
  readonly closing: AbortSignal;
  readonly pace: Pace | undefined;
  readonly registry: ClientRegistry | undefined;
  readonly credentials: ClientOptions["credentials"];
  /** Absent: artifacts are taken as they were opened. */
  readonly admission: Admission | undefined;
  readonly emit: ((event: ClientEvent) => void) | undefined;
  /** Unique across clients and processes. */
  readonly nextPushId: () => string;
}

/** @param policy resolved already @param closing aborts when the client is closed */
export function share(
  options: ClientOptions,
  resolved: ResolvedOptions,
  deliveries: readonly Delivery[],
  transport: Transport,
  policy: AdmissionPolicy | undefined,
  closing: AbortSignal,
): Shared {
  const { clock, bytesPerSecond, random, inFlightPerSite: cap } = resolved;
  const { busyBase: base, cap: longest } = resolved.retry;
  return {
    transport,
    routes: new Routes(deliveries, options.probers ?? []),
    sites: new Sites({ clock, random, cap, base, longest }),
    options: resolved,
    waiting: createWaiting(clock, closing),
    closing,
    pace: createPace({ bytesPerSecond, clock }),
    registry: options.registry,
    credentials: options.credentials,
    admission: policy && new Admission(policy, resolved.versions, clock),
    emit: options.onEvent && isolated(options.onEvent),
    nextPushId: pushIds(),
  };
}

/** An observer that throws must not be able to break a push: its error surfaces as uncaught, on a turn of its own. */
function isolated(observe: (event: ClientEvent) => void): (event: ClientEvent) => void {
  return (event) => {
    try {
      observe(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/** One random name for the client and a number for the push: cheaper than a UUID for each. */
function pushIds(): () => string {
  const client = crypto.randomUUID();
  let pushes = 0;
  return () => `${client}-${++pushes}`;
}
