import type { LookupFunction } from "node:net";
import { type Clock, systemClock } from "../core/clock.ts";
import { FlashwaveError } from "../core/errors.ts";
import { AddressPolicy, type AddressPolicyOptions } from "./address-policy.ts";
import { type PinSet, pinSet } from "./pinning.ts";
import type { StageLimits } from "./stage.ts";
import { Tls, type TlsOptions } from "./tls.ts";

/** Milliseconds, 1 to 86,400,000. */
export interface TransportTimeouts {
  /** To open a connection, name lookup and TLS handshake included. @default 10_000 */
  readonly connect?: number;
  /** Without the device taking any byte of a body. @default 60_000 */
  readonly stall?: number;
  /** From the last byte sent to the answer, and between any two pieces of the answer. @default 30_000 */
  readonly response?: number;
}

export interface TransportLimits {
  /** Connections open at once, idle ones included. Beyond it the longest idle one is closed, or an exchange waits. @default 4_096 */
  readonly connections?: number;
  /** Bytes of one response body; with heads, chunks' sizes and all, six times as many and 1.6 MiB may come. @default 1_048_576 */
  readonly responseBytes?: number;
}

export interface TransportOptions {
  readonly addressPolicy?: AddressPolicyOptions;
  readonly tls?: TlsOptions;
  readonly timeouts?: TransportTimeouts;
  readonly limits?: TransportLimits;
  /**
   * Milliseconds for which an idle connection is kept; a device that announces less (`Keep-Alive: timeout=…`) is taken
   * at its word. Verification reads come up to a minute apart and devices reboot between them, so longer gains little.
   * @default 30_000
   */
  readonly idleTimeout?: number;
  /** Resolves host names. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
  readonly clock?: Clock;
}

/** Options as the transport works with them: checked, complete, never changed. */
export interface Settings {
  readonly policy: AddressPolicy;
  readonly tls: Tls;
  readonly pins: PinSet | undefined;
  readonly pinList: readonly string[];
  readonly limits: StageLimits;
  readonly connections: number;
  readonly responseBytes: number;
  readonly idleTimeout: number;
  readonly lookup: LookupFunction | undefined;
  readonly clock: Clock;
}

const day = 86_400_000;

/** @throws `invalid_option` */
export function resolveOptions(options: TransportOptions): Settings {
  const { timeouts = {}, limits = {}, tls = {}, lookup } = options;
  if (lookup !== undefined && typeof lookup !== "function") throw invalid("lookup must be a function like dns.lookup");
  const pinList = tls.pins ?? [];
  return Object.freeze({
    policy: new AddressPolicy(options.addressPolicy),
    tls: new Tls(tls),
    pins: pinSet(pinList),
    pinList: Object.freeze([...pinList]),
    limits: Object.freeze({
      connecting: integer("timeouts.connect", timeouts.connect, 10_000, day),
      sending: integer("timeouts.stall", timeouts.stall, 60_000, day),
      answering: integer("timeouts.response", timeouts.response, 30_000, day),
    }),
    connections: integer("limits.connections", limits.connections, 4096, 1_000_000),
    responseBytes: integer("limits.responseBytes", limits.responseBytes, 1_048_576, 2 ** 30),
    idleTimeout: integer("idleTimeout", options.idleTimeout, 30_000, day),
    lookup,
    clock: options.clock ?? systemClock,
  });
}

function integer(name: string, value: number | undefined, fallback: number, most: number): number {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw invalid(`${name} must be a whole number from 1 to ${most}`);
  }
  return value;
}

function invalid(message: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `${message}.`, { phase: "prepare" });
}
