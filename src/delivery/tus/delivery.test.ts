import type { TusDeviceOptions } from "../../../mocks/index.ts";
import { makeFirmware, startTusDevice } from "../../../mocks/index.ts";
import { type Rig, testDelivery } from "../delivery.suite.ts";
import { simulatedRig } from "../suite/simulated.suite.ts";
import { tus } from "./index.ts";

type Naming = { readonly id?: string; readonly name?: string };

async function start(device: Naming, options: TusDeviceOptions = {}): Promise<Rig> {
  return simulatedRig(await startTusDevice(options), device);
}

const firmware = (version: string) => makeFirmware({ version, length: 300_000 });
const traits = {
  resumable: true,
  repeat: "unsafe",
  refusals: new Set([401, 403, 404, 405, 410, 412, 413, 415, 423, 429, 503]),
  verdict: "readback",
} as const;

testDelivery({
  name: "tus",
  delivery: () => tus({ checksum: false }),
  start,
  firmware,
  traits: { ...traits, activates: "itself" },
});

testDelivery({
  name: "tus with the creation carrying the bytes, activated on request and proving digests",
  delivery: () =>
    tus({
      checksum: false,
      createWithUpload: true,
      activate: { path: "/activate" },
      inspect: { also: { digest: "/digest", deviceId: "/id", bootId: "/bootId" } },
    }),
  start: (device) => start(device, { activation: "on-request", location: "relative" }),
  firmware,
  traits: { ...traits, activates: "on-request" },
});
