import {
  type DeviceServer,
  type DeviceServerOptions,
  makeFirmware,
  startAxis,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startTasmota,
} from "../mocks/index.ts";
import { axis, elegantOta, esphome, mongooseOs, tasmota } from "../src/delivery/web-upload/index.ts";
import { type ClientOptions, type Delivery, type DeviceOutcome, openArtifact, type Profile } from "../src/index.ts";
import { fastClient } from "./kit.ts";

export const id = "dev-1";
export const version = "2.0.0";
export const firmware: Buffer = makeFirmware({ version, length: 300_000 });

/** For a device that stays as it is; what is to be proven may take as long as a loaded machine needs. */
export const soon: ClientOptions = { verification: { stableFor: 20, deadline: 400 } };

/** It tells its uptime in whole seconds: one that had only just been switched on could show no boot. */
export const startOldMongooseOs = (options: DeviceServerOptions): Promise<DeviceServer> =>
  startMongooseOs({ ...options, uptime: 3_600 });

interface Family {
  readonly start: (options: DeviceServerOptions) => Promise<DeviceServer>;
  readonly delivery: () => Delivery;
}
export type Name = "esphome" | "tasmota" | "mongoose-os" | "axis" | "elegant-ota";
export const families: Readonly<Record<Name, Family>> = {
  esphome: { start: startEsphome, delivery: () => esphome() },
  tasmota: { start: startTasmota, delivery: () => tasmota() },
  "mongoose-os": { start: startOldMongooseOs, delivery: () => mongooseOs() },
  axis: { start: startAxis, delivery: () => axis() },
  "elegant-ota": {
    start: startElegantOta,
    delivery: () => elegantOta({ inspect: { path: "/version", pointer: "/version" } }),
  },
};

export interface Given extends ClientOptions {
  readonly bytes?: Uint8Array;
  readonly profile?: Profile;
}

export async function update(
  server: DeviceServer,
  name: Name,
  { bytes = firmware, profile, ...options }: Given = {},
): Promise<DeviceOutcome> {
  await using client = fastClient({ ...options, deliveries: [families[name].delivery()] });
  await using artifact = await openArtifact(bytes, { version });
  return await client.update({ id, address: server.url, ...(profile && { profile }) }, artifact);
}

export const sends = ({ device }: DeviceServer): number => device.counters.requests.update;
