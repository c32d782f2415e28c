import {
  type DeviceServer,
  type DeviceServerOptions,
  makeFirmware,
  startAxis,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startTasmota,
} from "../../../mocks/index.ts";
import type { Delivery, DeliveryTraits } from "../../core/delivery.ts";
import type { FlashwaveErrorCode } from "../../core/errors.ts";
import { type Rig, testDelivery } from "../delivery.suite.ts";
import { simulatedRig } from "../suite/simulated.suite.ts";
import { axis, elegantOta, esphome, mongooseOs, tasmota, webUpload } from "./index.ts";

type Start = (options: DeviceServerOptions) => Promise<DeviceServer>;

async function rig(start: Start, device: { readonly id?: string; readonly name?: string }): Promise<Rig> {
  const server = await start({});
  // These devices tell no digest of what they run.
  return { ...simulatedRig(server, device), running: () => ({ version: server.device.version }) };
}

interface Tested {
  readonly start: Start;
  readonly delivery: () => Delivery;
  readonly refusals: readonly number[];
  readonly statuses?: Readonly<Record<number, FlashwaveErrorCode>>;
}

const plain = [401, 403, 404, 405, 413, 415, 429, 503];
const families: Readonly<Record<string, Tested>> = {
  esphome: { start: startEsphome, delivery: () => esphome(), refusals: [401, 404, 405] },
  tasmota: { start: startTasmota, delivery: () => tasmota(), refusals: [404, 405] },
  "mongoose-os": {
    start: startMongooseOs,
    delivery: () => mongooseOs(),
    refusals: [401, 403, 404, 405, 409],
    statuses: { 409: "device_busy" },
  },
  axis: {
    // A device that is sent to twice in a row, as these tests do, would refuse while the first is on trial.
    start: (options) => startAxis({ ...options, patient: true }),
    delivery: () => axis(),
    refusals: [401, 403, 404, 405, 409, 412, 415, 421, 422, 423],
  },
  "elegant-ota": {
    start: startElegantOta,
    delivery: () => elegantOta({ inspect: { path: "/version", pointer: "/version" } }),
    refusals: [401, 404, 405],
  },
  // The configurable one, told to speak to the pickiest.
  "web-upload": {
    start: startMongooseOs,
    delivery: () =>
      webUpload({
        send: { form: { commit_timeout: "0" } },
        inspect: { path: "/rpc/Sys.GetInfo", pointer: "/fw_version" },
        options: { success: "finalizing" },
      }),
    refusals: plain,
  },
};

const traits = {
  resumable: false,
  repeat: "unsafe",
  verdict: "readback",
  activates: "itself",
} satisfies Partial<DeliveryTraits>;

for (const [name, { start, delivery, refusals, statuses }] of Object.entries(families)) {
  testDelivery({
    name,
    delivery,
    start: (device) => rig(start, device),
    firmware: (version) => makeFirmware({ version, length: 300_000 }),
    traits: { ...traits, refusals: new Set(refusals) },
    cannot: { health: "its devices are not asked for their health" },
    ...(statuses && { statuses }),
  });
}
