import type { ImageReport } from "./image.ts";

/** What a device can be asked. */
export type Endpoint = "update" | "version" | "health" | "activate" | "commit" | "rollback";

/** A request as it came over the wire, before its body. */
export interface RequestHead {
  readonly method: string;
  /** As sent, query included. */
  readonly path: string;
  readonly httpVersion: "1.0" | "1.1";
  /** Names in lower case; repeated ones joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in one flat row, as sent. */
  readonly rawHeaders: readonly string[];
}

/** One request that a device was asked. */
export interface SeenRequest extends RequestHead {
  readonly endpoint: Endpoint | "other";
  /** Which of the listener's connections carried it, counted from 1. */
  readonly connection: number;
  /** SHA-256 fingerprint of the client's certificate, where it showed one. */
  readonly peer?: string;
}

/**
 * One image that a device was sent.
 * `outcome`: `incomplete` when the connection ended before the body; `discarded` when all of it came and the device, as
 * scripted, did nothing with it.
 */
export interface Received extends SeenRequest, ImageReport {
  /** Whether the whole body came. */
  readonly complete: boolean;
  readonly outcome: "incomplete" | "refused" | "staged" | "installed" | "discarded";
}

export interface DeviceCounters {
  /** Requests begun, by what they asked. */
  readonly requests: Readonly<Record<Endpoint | "other", number>>;
  /** Body bytes of updates. */
  readonly bytesReceived: number;
  /** Connections accepted; in a fleet behind one listener, always 0. */
  readonly connections: number;
  /** Connections turned away while the device restarted. */
  readonly turnedAway: number;
  /** Requests that were not well-formed HTTP/1.x. */
  readonly malformed: number;
  /** Updates that came whole, and those whose image was not what it said it was. */
  readonly completed: number;
  readonly corrupt: number;
  /** The most updates that were ever in flight at once: above 1, two attempts overlapped. */
  readonly updatesAtOnce: number;
  readonly boots: number;
  readonly rollbacks: number;
}

export type MutableCounters = {
  -readonly [K in keyof DeviceCounters]: K extends "requests" ? Record<Endpoint | "other", number> : DeviceCounters[K];
};

export function zeroCounters(): MutableCounters {
  return {
    requests: { update: 0, version: 0, health: 0, activate: 0, commit: 0, rollback: 0, other: 0 },
    bytesReceived: 0,
    connections: 0,
    turnedAway: 0,
    malformed: 0,
    completed: 0,
    corrupt: 0,
    updatesAtOnce: 0,
    boots: 0,
    rollbacks: 0,
  };
}

/** Sums counters over devices; `updatesAtOnce` is the largest of them, since it is a claim about one device. */
export function sumCounters(all: Iterable<DeviceCounters>): DeviceCounters {
  const sum = zeroCounters();
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) {
      if (typeof value === "number" && name !== "updatesAtOnce") {
        sum[name as Exclude<keyof DeviceCounters, "requests">] += value;
      }
    }
    sum.updatesAtOnce = Math.max(sum.updatesAtOnce, one.updatesAtOnce);
    for (const endpoint of Object.keys(sum.requests) as (Endpoint | "other")[]) {
      sum.requests[endpoint] += one.requests[endpoint];
    }
  }
  return sum;
}
