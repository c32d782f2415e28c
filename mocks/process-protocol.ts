import type { DeviceControl } from "./control.ts";
import type { FleetOptions } from "./fleet.ts";
import type { DeviceServerOptions } from "./server.ts";
import type { SinkOptions } from "./sink.ts";

/** Options that can be sent to another process: functions and clocks cannot. */
export type ForkedDeviceOptions = Omit<DeviceServerOptions, "versionFrom" | "clock">;
export type ForkedFleetOptions = Omit<FleetOptions, "each" | "device"> & { readonly device?: ForkedDeviceOptions };

/** The first message to a new process: what it is to be. */
export type Start =
  | { readonly what: "device"; readonly options: ForkedDeviceOptions }
  | { readonly what: "fleet"; readonly options: ForkedFleetOptions }
  | { readonly what: "sink"; readonly options: SinkOptions };

/** One call of a method: of a device by id, or of the whole. */
export interface Call {
  readonly call: number;
  readonly method: keyof DeviceControl | "refuse" | "accept" | "close";
  /** Absent: the only device, the whole fleet, the sink. */
  readonly id?: string | undefined;
  readonly arguments: readonly unknown[];
}

export type Answered = { readonly call: number } & ({ readonly value: unknown } | { readonly error: string });
