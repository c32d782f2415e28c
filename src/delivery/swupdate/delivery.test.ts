import { makeFirmware, startSwupdate } from "../../../mocks/index.ts";
import { type Rig, testDelivery } from "../delivery.suite.ts";
import { httpProbe } from "../http/index.ts";
import { simulatedRig } from "../suite/simulated.suite.ts";
import { swupdate } from "./index.ts";

type Naming = { readonly id?: string; readonly name?: string };

async function start(device: Naming, activation: "itself" | "on-request"): Promise<Rig> {
  const server = await startSwupdate({ activation });
  const rig = simulatedRig(server, device);
  return {
    ...rig,
    fault(on, fault) {
      rig.fault(on, fault);
      // The suite asks what the upload's own connection tells; what the websocket adds is for the other tests.
      if (on === "send") server.play({ ends: "dumb" });
    },
  };
}

const cannot = { health: "SWUpdate has no health route; a probe of another kind has one where the device does" };
const common = {
  prober: () => httpProbe({ health: false, inspect: { also: { digest: "/digest" } } }),
  firmware: (version: string) => makeFirmware({ version, length: 300_000 }),
  cannot,
};
const traits = {
  resumable: false,
  repeat: "unsafe",
  refusals: new Set([401, 403, 404, 405, 500]),
  verdict: "channel",
} as const;

testDelivery({
  ...common,
  name: "swupdate",
  delivery: () => swupdate(),
  start: (device) => start(device, "itself"),
  traits: { ...traits, activates: "itself" },
});

testDelivery({
  ...common,
  name: "swupdate, told to restart",
  delivery: () => swupdate({ restart: true }),
  start: (device) => start(device, "on-request"),
  traits: { ...traits, activates: "on-request" },
});
