import type { DeviceStatus } from "./device.ts";
import type { CallOptions, Listing, PageOptions } from "./page.ts";

/**
 * What a report tells of. The first four come from the device, or from somebody who speaks for it; `delivery` is what a
 * sender keeps of one delivery to it.
 */
export type ReportKind = "heartbeat" | "install" | "telemetry" | "log" | "delivery";

export const reportKinds: readonly ReportKind[] = Object.freeze([
  "heartbeat",
  "install",
  "telemetry",
  "log",
  "delivery",
]);

/** Plain JSON. */
export type ReportBody =
  | string
  | number
  | boolean
  | null
  | readonly ReportBody[]
  | { readonly [name: string]: ReportBody };

/** One report as it comes in. */
export interface ReportInput {
  /** The reporter's own name for it, 1 to 256 printable characters: unique among the reports of its device. */
  readonly id: string;
  /** The id of a registered device. */
  readonly device: string;
  readonly kind: ReportKind;
  /** Epoch milliseconds on the reporter's clock. Leave it out for devices without a right clock. @default its receipt */
  readonly at?: number;
  /** @default `online` for a device that reports by itself; of a `delivery` it says nothing */
  readonly status?: DeviceStatus;
  /** The version it says it runs; 1 to 256 printable characters. */
  readonly firmware?: string;
  /** At most 16,384 characters as JSON, 8 deep. */
  readonly body?: ReportBody;
}

/** A report as it is kept. Frozen. */
export interface Report extends ReportInput {
  readonly at: number;
  /** Epoch milliseconds on the registry's clock. */
  readonly receivedAt: number;
}

/** What became of one row of an `append`. Plain data: one bad row does not keep the others out. */
export type ReportResult =
  /** `known`: this device's report of this id was there already, and stays as it is. */
  | { readonly id: string; readonly result: "appended" | "known" }
  /** Nothing was written. `reason` names the field and what it must be, never its value. */
  | { readonly id: string; readonly result: "invalid_report" | "unknown_device"; readonly reason: string };

/** All conditions must hold; an empty filter selects all reports. */
export interface ReportFilter {
  readonly device?: string;
  readonly kind?: ReportKind;
  /** Received at this moment or later; epoch milliseconds. */
  readonly since?: number;
  /** Received before this moment, exclusive; epoch milliseconds. */
  readonly until?: number;
}

export interface ReportPageOptions extends PageOptions {
  /** By receipt; those of one moment in the order in which they were appended. @default "newest" */
  readonly order?: "newest" | "oldest";
}

/**
 * What devices, or others on their behalf, reported. A log: appended to, paged through, cut off at its old end. It orders
 * by its own clock, since a device's may say anything. Reports of a removed device stay until they are cut off.
 *
 * Slices of large batches and errors as for `DeviceRegistry`.
 */
export interface ReportStore {
  /**
   * Appends reports, one result per row, in order; what is there already is not appended again, so a batch whose answer
   * was lost is simply sent again.
   *
   * A report other than a `delivery` is an observation of its device too: last seen at `at` (at its receipt, where `at`
   * lies after that), its status, its firmware. It is never evidence: that comes from reading the device back.
   */
  append(rows: readonly ReportInput[], options?: CallOptions): Promise<readonly ReportResult[]>;
  /** Reports by receipt. @throws `invalid_cursor` when `after` was not issued for this filter and order */
  page(filter?: ReportFilter, options?: ReportPageOptions): Promise<Listing<Report>>;
  /**
   * Removes what was received before a moment, exclusive: of all devices and kinds, or as the filter says. In steps, so
   * that others have their turn; aborted, it has removed some. Returns how many there were.
   */
  removeBefore(moment: number, filter?: Pick<ReportFilter, "device" | "kind">, options?: CallOptions): Promise<number>;
}
