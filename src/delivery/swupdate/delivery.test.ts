import { type Fault, makeFirmware, startSwupdate } from "../../../mocks/index.ts";
import { type Rig, type RigFault, testDelivery } from "../delivery.suite.ts";
import { httpProbe } from "../http/index.ts";
import { swupdate } from "./index.ts";

const endpoints = { send: "update", inspect: "version", health: "health" } as const;

function faultOf(fault: RigFault): Fault {
  switch (fault.kind) {
    case "status": {
      const { status, after, headers } = fault;
      return { kind: "status", status, ...(after !== undefined && { afterBytes: after }), ...(headers && { headers }) };
    }
    case "cut":
    case "body":
      return fault;
    case "silence":
      return { kind: "blackhole" };
    case "stop-reading":
      return { kind: "slow-reader", stopAt: fault.at };
    case "malformed":
      return { kind: "malformed", reply: "no-http" };
    case "oversize":
      return { kind: "oversize-body", bytes: fault.bytes };
    default:
      return fault satisfies never;
  }
}

type Naming = { readonly id?: string; readonly name?: string };

async function start(device: Naming, activation: "itself" | "on-request"): Promise<Rig> {
  const server = await startSwupdate({ activation });
  return {
    device: { id: "sim-001", address: server.url, ...device },
    fault(on, fault) {
      server.script({ on: endpoints[on], fault: faultOf(fault) });
      // The suite asks what the upload's own connection tells; what the websocket adds is for the other tests.
      if (on === "send") server.play({ ends: "dumb" });
    },
    received: () =>
      server.control.received().map(({ bytes, sha256, complete, headers }) => ({
        length: bytes,
        digest: sha256,
        complete,
        headers,
        contentLength: headers["content-length"] === undefined ? undefined : Number(headers["content-length"]),
      })),
    running: () => {
      const { version, digest } = server.control.state();
      return { version, ...(digest !== undefined && { digest }) };
    },
    requests: () => server.control.requests().length,
    connections: () => server.control.counters().connections,
    [Symbol.asyncDispose]: () => server.close(),
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
