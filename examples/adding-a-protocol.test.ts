// The example of docs/adding-a-protocol.md under the contract suite, against a label made of a dialect of six lines.
import { type Dialect, type Fault, makeFirmware, startDeviceServer } from "../src/testing/index.ts";
import { type Rig, type RigFault, testDelivery } from "../src/testing/suites.ts";
import { shelf } from "./adding-a-protocol.ts";

const label: Dialect = {
  endpointOf: ({ method, path }) => (path.startsWith("/firmware/") && method === "PUT" ? "update" : "version"),
  answer(device, endpoint, { received }, { effect }) {
    if (endpoint === "version" || received === undefined) return { reply: { status: 200, body: device.version } };
    if (effect) device.stage(received);
    return { reply: { status: 204 }, outcome: "installed", after: () => device.switchOver() };
  },
};

function faultOf(fault: RigFault): Fault {
  if (fault.kind === "status") {
    const { after, ...rest } = fault;
    return { ...rest, ...(after !== undefined && { afterBytes: after }) };
  }
  if (fault.kind === "silence") return { kind: "blackhole" };
  if (fault.kind === "stop-reading") return { kind: "slow-reader", stopAt: fault.at };
  if (fault.kind === "malformed") return { kind: "malformed", reply: "no-http" };
  return fault.kind === "oversize" ? { kind: "oversize-body", bytes: fault.bytes } : fault;
}

async function start(device: { readonly id?: string; readonly name?: string }): Promise<Rig> {
  const server = await startDeviceServer({ dialect: label });
  return {
    device: { id: "label-1", address: server.url, ...device },
    fault: (on, fault) => server.script({ on: on === "send" ? "update" : "version", fault: faultOf(fault) }),
    received: () =>
      server.control.received().map(({ bytes: length, sha256: digest, complete, headers }) => ({
        ...{ length, digest, complete, headers },
        contentLength: headers["content-length"] === undefined ? undefined : Number(headers["content-length"]),
      })),
    running: () => ({ version: server.device.version }),
    requests: () => server.control.requests().length,
    connections: () => server.control.counters().connections,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

testDelivery({
  name: "the example",
  delivery: () => shelf,
  start,
  firmware: (version) => makeFirmware({ version, length: 300_000 }),
  traits: {
    resumable: false,
    repeat: "idempotent",
    refusals: new Set([401, 403, 404]),
    verdict: "readback",
    activates: "itself",
  },
  cannot: { health: "labels are not asked for their health" },
});
