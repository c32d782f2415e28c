import { afterAll, beforeAll } from "vitest";
import {
  makeFirmware,
  type RedfishDeviceOptions,
  type RedfishFault,
  type RedfishPurpose,
  startRedfishDevice,
} from "../../../mocks/index.ts";
import type { Publisher } from "../../core/publication.ts";
import { type Rig, type RigFault, testDelivery } from "../delivery.suite.ts";
import { type ArtifactServer, createArtifactServer } from "../serve/index.ts";
import { whileFetching } from "../suite/simulated.suite.ts";
import { type RedfishOptions, redfish } from "./index.ts";

const purposes = { send: "push", inspect: "member", health: "member" } as const satisfies Record<
  string,
  RedfishPurpose
>;

async function start(device: { id?: string; name?: string }, options: RedfishDeviceOptions): Promise<Rig> {
  const bmc = await startRedfishDevice(options);
  return {
    device: { id: "bmc-001", address: bmc.url, ...device },
    fault: (on, fault: RigFault) => bmc.script({ on: purposes[on], fault: fault satisfies RedfishFault }),
    received: () =>
      bmc.device.received.map(({ bytes, sha256, complete, headers }) => ({
        length: bytes,
        digest: sha256,
        complete,
        headers,
        contentLength: headers["content-length"] === undefined ? undefined : Number(headers["content-length"]),
      })),
    running: () => ({ version: bmc.device.version }),
    requests: () => bmc.asked.length,
    connections: () => bmc.connections,
    [Symbol.asyncDispose]: () => bmc.close(),
  };
}

const refusals = new Set([401, 403, 404, 405, 413, 415, 429, 503]);
const traits = { resumable: false, repeat: "unsafe", refusals, verdict: "channel" } as const;
const kinds: readonly (readonly [name: string, RedfishDeviceOptions, RedfishOptions, "itself" | "on-request"])[] = [
  ["redfish by multipart push", {}, {}, "itself"],
  ["redfish by raw push", { push: "raw" }, {}, "itself"],
  [
    "redfish with OpenBMC's ways, restarted to install",
    { style: "openbmc", applyTime: "OnReset" },
    { reset: "manager" },
    "on-request",
  ],
];

for (const [name, device, options, activates] of kinds) {
  testDelivery({
    name,
    delivery: () => redfish(options),
    start: (naming) => start(naming, device),
    firmware: (version) => makeFirmware({ version, length: 300_000 }),
    traits: { ...traits, activates },
    cannot: { health: "health stands in the resource that the version is read from, found from the root on each time" },
  });
}

let server: ArtifactServer;
beforeAll(async () => {
  server = await createArtifactServer();
});
afterAll(() => server.close());
const publisher: Publisher = { publish: (...given) => server.publish(...given) };
const orderPath = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";

/** The same device told to fetch: a fault on "send" is one of the order or of the fetch. */
async function startPulling(device: { id?: string; name?: string }): Promise<Rig> {
  const bmc = await startRedfishDevice({ push: "none" });
  const onOrder = (fault: RigFault): void => {
    if (fault.kind === "silence") bmc.service.pullFaults.push({ kind: "never" });
    else if (fault.kind === "stop-reading") bmc.service.pullFaults.push(fault);
    else if (fault.kind === "status" && fault.after !== undefined) {
      bmc.script({ on: "pull", fault: whileFetching(fault) });
    } else if (fault.kind !== "cut") bmc.script({ on: "pull", fault });
    else if (fault.at !== "received") bmc.service.pullFaults.push({ kind: "cut", at: fault.at, resume: false });
    else bmc.script({ on: "pull", fault: { kind: "cut", at: "installed" } });
  };
  const orders = () => bmc.device.requests.filter(({ path }) => path === orderPath);
  return {
    device: { id: "bmc-001", address: bmc.url, ...device },
    fault: (on, fault) => (on === "send" ? onOrder(fault) : bmc.script({ on: purposes[on], fault })),
    received: () =>
      bmc.device.received.map(({ bytes, sha256, complete, headers }, index) => ({
        length: bytes,
        digest: sha256,
        complete,
        contentLength: headers["content-length"] === undefined ? undefined : Number(headers["content-length"]),
        headers: { ...orders()[index]?.headers },
      })),
    running: () => ({ version: bmc.device.version }),
    requests: () => bmc.asked.length,
    connections: () => bmc.connections,
    [Symbol.asyncDispose]: () => bmc.close(),
  };
}

testDelivery({
  name: "redfish by SimpleUpdate",
  delivery: () => redfish({ publisher, patience: 2_000 }),
  pulls: true,
  start: startPulling,
  firmware: (version) => makeFirmware({ version, length: 300_000 }),
  traits: { ...traits, activates: "itself" },
  cannot: { health: "health stands in the resource that the version is read from, found from the root on each time" },
});
