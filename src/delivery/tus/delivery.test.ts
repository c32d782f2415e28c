import type { Fault, TusDeviceOptions } from "../../../mocks/index.ts";
import { makeFirmware, startTusDevice } from "../../../mocks/index.ts";
import { type Rig, type RigFault, testDelivery } from "../delivery.suite.ts";
import { tus } from "./index.ts";

const endpoints = { send: "update", inspect: "version", health: "health" } as const;

function faultOf(fault: RigFault): Fault {
  switch (fault.kind) {
    case "status": {
      const { status, after, headers } = fault;
      return { kind: "status", status, ...(after !== undefined && { afterBytes: after }), ...(headers && { headers }) };
    }
    case "silence":
      return { kind: "blackhole" };
    case "stop-reading":
      return { kind: "slow-reader", stopAt: fault.at };
    case "malformed":
      return { kind: "malformed", reply: "no-http" };
    case "oversize":
      return { kind: "oversize-body", bytes: fault.bytes };
    case "cut":
    case "body":
      return fault;
    default:
      return fault satisfies never;
  }
}

type Naming = { readonly id?: string; readonly name?: string };

async function start(device: Naming, options: TusDeviceOptions = {}): Promise<Rig> {
  const server = await startTusDevice(options);
  return {
    device: { id: "sim-001", address: server.url, ...device },
    fault: (on, fault) => server.script({ on: endpoints[on], fault: faultOf(fault) }),
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
