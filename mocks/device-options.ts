import type { ImageReport } from "./image.ts";
import type { SimulatorClock } from "./time.ts";

export type Slot = "A" | "B";
export type SimulatedHealth = "ok" | "failing" | "failing-after-update";

export interface SimulatedDeviceOptions {
  /** @default "sim-001" */
  readonly id?: string;
  /** @default the id */
  readonly name?: string;
  /** What it runs from the factory. @default "1.0.0" */
  readonly version?: string;
  /** Digest of what it runs from the factory. @default not reported until an update brought one */
  readonly digest?: string;
  /** @default "sim-board-1" */
  readonly hardware?: string;
  /** `failing-after-update`: well as long as it runs what came from the factory. @default "ok" */
  readonly health?: SimulatedHealth;
  /** Whether it restarts into a received image by itself, or waits for `POST /activate`. @default "itself" */
  readonly activation?: "itself" | "on-request";
  /** Falls back to the old image `trialMs` after booting a new one, unless `POST /commit` came. @default false */
  readonly trial?: boolean;
  /** Milliseconds. @default 60000 */
  readonly trialMs?: number;
  /** How long it has been running when it is made, in seconds. @default 0 */
  readonly uptime?: number;
  /** How long a restart takes, in milliseconds; meanwhile nobody can connect. At 0 connections survive it. @default 0 */
  readonly rebootMs?: number;
  /** Whether it takes bytes that are no simulated image. @default "any" */
  readonly accepts?: "any" | "firmware";
  /** The version of bytes that are no simulated image. @default the header x-firmware-version, else the version stays */
  readonly versionFrom?: (image: ImageReport, headers: Readonly<Record<string, string>>) => string | undefined;
  /** Members of the version answer that this device does not have. @default none */
  readonly omits?: readonly Exclude<keyof DeviceReport, "version">[];
  /** How many of the latest `received` and `requests` are kept. @default 1000 */
  readonly keep?: number;
  readonly clock?: SimulatorClock;
}

/** What `GET /version` says. `uptime` in seconds. */
export interface DeviceReport {
  readonly version: string;
  readonly id?: string;
  readonly name?: string;
  readonly hardware?: string;
  readonly slot?: Slot;
  readonly bootId?: string;
  readonly uptime?: number;
  readonly digest?: string;
}
