import { afterAll, beforeAll } from "vitest";
import {
  makeFirmware,
  type Shelly,
  type ShellyDeviceOptions,
  startShellyGen1,
  startShellyGen2,
} from "../../../mocks/index.ts";
import type { Delivery } from "../../core/delivery.ts";
import type { Publisher } from "../../core/publication.ts";
import { type Rig, type RigFault, testDelivery } from "../delivery.suite.ts";
import { type ArtifactServer, createArtifactServer } from "../serve/index.ts";
import { whileFetching } from "../suite/simulated.suite.ts";
import { shellyGen1, shellyGen2 } from "./index.ts";

let server: ArtifactServer;
beforeAll(async () => {
  server = await createArtifactServer();
});
afterAll(() => server.close());
const publisher: Publisher = { publish: (...given) => server.publish(...given) };

function onOrder(shelly: Shelly, fault: RigFault): void {
  if (fault.kind === "silence") shelly.scriptPull({ kind: "never" });
  else if (fault.kind === "stop-reading") shelly.scriptPull(fault);
  else if (fault.kind === "malformed") {
    shelly.script({ on: "activate", fault: { kind: "malformed", reply: "no-http" } });
  } else if (fault.kind === "status") {
    const { after, ...status } = fault;
    shelly.script({ on: "activate", fault: after === undefined ? status : whileFetching(fault) });
  } else if (fault.kind !== "cut") throw new Error(`an order cannot be answered by ${fault.kind}`);
  else if (fault.at !== "received") shelly.scriptPull({ kind: "cut", at: fault.at, resume: false });
  // The order is followed, its answer lost.
  else shelly.script({ on: "activate", fault: { kind: "cut", at: "installed" } });
}

function onInspect(shelly: Shelly, fault: RigFault): void {
  if (fault.kind === "silence") shelly.script({ on: "version", fault: { kind: "blackhole" } });
  else if (fault.kind === "oversize") {
    shelly.script({ on: "version", fault: { kind: "oversize-body", bytes: fault.bytes } });
  } else if (fault.kind === "status") {
    const { after: _, ...status } = fault;
    shelly.script({ on: "version", fault: status });
  } else if (fault.kind === "body") shelly.script({ on: "version", fault });
  else throw new Error(`a read cannot fail by ${fault.kind}`);
}

type Start = (options: ShellyDeviceOptions) => Promise<Shelly>;

async function rig(start: Start, device: { readonly id?: string; readonly name?: string }): Promise<Rig> {
  const shelly = await start({});
  const orders = () => shelly.control.requests().filter(({ endpoint }) => endpoint === "activate");
  return {
    device: { id: "sim-001", address: shelly.url, ...device },
    fault: (on, fault) => (on === "send" ? onOrder : onInspect)(shelly, fault),
    received: () =>
      shelly.control.received().map(({ bytes, sha256, complete, headers }, index) => ({
        length: bytes,
        digest: sha256,
        complete,
        contentLength: headers["content-length"] === undefined ? undefined : Number(headers["content-length"]),
        headers: { ...orders()[index]?.headers },
      })),
    running: () => ({ version: shelly.device.version }),
    requests: () => shelly.control.requests().length,
    connections: () => shelly.control.counters().connections,
    [Symbol.asyncDispose]: () => shelly.close(),
  };
}

const generations: readonly (readonly [string, Start, () => Delivery])[] = [
  ["shelly-gen1", startShellyGen1, () => shellyGen1({ publisher, options: { patience: 2_000 } })],
  ["shelly-gen2", startShellyGen2, () => shellyGen2({ publisher, options: { patience: 2_000 } })],
];

for (const [name, start, delivery] of generations) {
  testDelivery({
    name,
    delivery,
    pulls: true,
    start: (device) => rig(start, device),
    firmware: (version) => makeFirmware({ version, length: 300_000 }),
    traits: {
      resumable: false,
      repeat: "idempotent",
      refusals: new Set([400, 401, 403, 404, 405, 429, 503]),
      verdict: "readback",
      activates: "itself",
    },
    cannot: { health: "its devices are not asked for their health" },
  });
}
