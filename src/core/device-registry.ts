import type { Device, DeviceStatus } from "./device.ts";
import type { Evidence } from "./outcome.ts";
import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "./page.ts";

/** A device as an operator registers it. */
export interface DeviceInput extends Device {
  /** The base profile that says how it is spoken to. A `profile` of its own goes before it. */
  readonly profileId?: string;
  /** Written only if the row is still at this revision; 0: only if there is no such row. Absent: in any case. */
  readonly ifRevision?: number;
}

/**
 * A device as a registry keeps it: what was put, and what was observed since. Frozen; equal inline profiles are one
 * shared object.
 */
export interface RegisteredDevice extends Device {
  readonly profileId?: string;
  /** As last observed; `unknown` until then. */
  readonly status: DeviceStatus;
  /** Epoch milliseconds of the latest observation. Absent: never observed. */
  readonly lastSeen?: number;
  /** The version it was last observed to run. */
  readonly firmware?: string;
  /** The last verification that proved what it runs. Absent: there was none, or a later read took it back. */
  readonly evidence?: Evidence;
  /** Epoch milliseconds of the first `put`. */
  readonly createdAt: number;
  /** Epoch milliseconds of the last `put`. Observations leave it alone. */
  readonly updatedAt: number;
  /**
   * From one growing sequence per registry: every `put` raises it, an observation never does. At least 1.
   */
  readonly revision: number;
}

/** Bounds on a firmware version, compared by the registry's version scheme. A device without firmware is in no range. */
export interface FirmwareRange {
  /** This version or a later one. */
  readonly min?: string;
  /** This version or an earlier one. */
  readonly max?: string;
  /** Later than this version. */
  readonly above?: string;
  /** Earlier than this version. */
  readonly below?: string;
}

/** All conditions must hold; an empty filter selects the whole fleet. An empty `ids` or `status` selects nothing. */
export interface DeviceFilter {
  /** At most 100,000. */
  readonly ids?: readonly string[];
  readonly status?: DeviceStatus | readonly DeviceStatus[];
  readonly group?: string;
  /** The device carries all of these, at most 32. */
  readonly tags?: readonly string[];
  readonly site?: string;
  readonly location?: string;
  readonly delivery?: string;
  readonly profileId?: string;
  readonly firmware?: FirmwareRange;
  /** Last seen before this moment, exclusive; epoch milliseconds. A device never seen does not match. */
  readonly seenBefore?: number;
  /** Last seen at this moment or later; epoch milliseconds. */
  readonly seenAfter?: number;
  /** Part of the id or the name, the letters A to Z without regard to case. */
  readonly text?: string;
}

/** What became of one row of a `put`. Plain data: one bad row does not keep the others out. */
export type DevicePutResult =
  | { readonly id: string; readonly result: "created" | "updated"; readonly revision: number }
  /** Somebody else was first. `revision` is the row's now; 0: it is gone. */
  | { readonly id: string; readonly result: "conflict"; readonly revision: number }
  /** Nothing was written. `reason` names the field and what it must be, never its value. */
  | {
      readonly id: string;
      readonly result: "invalid_device" | "invalid_address" | "invalid_group" | "invalid_profile";
      readonly reason: string;
    };

/** What was seen of one device at one moment. A field left out says nothing. */
export interface Observation {
  readonly id: string;
  /** Epoch milliseconds on the observer's clock; what lies after the registry's own is kept as the registry's now. */
  readonly seenAt: number;
  readonly status?: DeviceStatus;
  /** The version it runs; 1 to 256 printable characters. */
  readonly firmware?: string;
  /** A verification of this device. `null`: what was proven earlier no longer holds, and is taken back. */
  readonly evidence?: Evidence | null;
}

export interface ObserveResult {
  /** Ids that are not registered, or no longer; nothing was kept of them. */
  readonly unknown: readonly string[];
  /** Ids whose observation is malformed; nothing was kept of it. */
  readonly invalid: readonly string[];
}

/**
 * The devices of one fleet. All calls take batches; a batch is applied in order, and what it returns is durable where
 * the driver is. In a database a batch of more than 200 rows is written in slices of 200, others' writes in between: each
 * slice is there whole or not at all. Where one fails, those before it stay, and the error says how many rows they were.
 *
 * All throw `registry_failed` once the registry is closed or its store fails, `aborted` when the signal had aborted,
 * and `invalid_option` for options or filters out of range.
 */
export interface DeviceRegistry {
  /** The devices with these ids; ids that are not registered are absent from the map. */
  getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, RegisteredDevice>>;
  /**
   * Devices in the order of their ids.
   * @throws `invalid_cursor` when `after` was not issued by this registry for this filter
   */
  page(filter?: DeviceFilter, options?: PageOptions): Promise<Page<RegisteredDevice>>;
  /**
   * Adds or replaces devices, one result per row, in order. What was observed stays: only registered fields are
   * replaced, whole.
   */
  put(rows: readonly DeviceInput[], options?: CallOptions): Promise<readonly DevicePutResult[]>;
  /**
   * Keeps what was seen, field by field, the latest `seenAt` winning in whatever order observations come (at the same
   * moment: the later call). It neither raises a revision nor enters the change feed, and no `put` undoes it.
   */
  observe(rows: readonly Observation[], options?: CallOptions): Promise<ObserveResult>;
  /** Removes devices and the profile overrides made for them. Returns how many there were. */
  remove(ids: readonly string[], options?: CallOptions): Promise<number>;
  /**
   * What was put and removed after a cursor.
   * @throws `invalid_cursor` when the cursor is not one of this registry's device feed, older than the registry
   * remembers, or from beyond its end since it was restored from a backup: read the pages anew. A restored registry that has grown past
   * a cursor cannot tell; after a restore all followers read the pages anew
   */
  changes(after: Cursor, options?: ChangesOptions): Promise<Changes<RegisteredDevice>>;
}
