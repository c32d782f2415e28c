import type { DeviceServer, Fault, RawStep } from "../../../mocks/index.ts";
import type { Rig, RigFault } from "./rig.suite.ts";

const endpoints = { send: "update", inspect: "version", health: "health" } as const;

/** What a simulated device of any protocol does for a fault of the suite's. */
function faultOf(fault: RigFault): Fault {
  switch (fault.kind) {
    case "status": {
      const { after, ...rest } = fault;
      return { ...rest, ...(after !== undefined && { afterBytes: after }) };
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

/** Of a device that fetches: what it answers to its order once it has fetched so much, and has had the time to end that. */
export function whileFetching({ status, after = 0, headers = {} }: Extract<RigFault, { kind: "status" }>): {
  readonly kind: "raw";
  readonly steps: readonly RawStep[];
  readonly ending: "fin";
  readonly fetched: number;
} {
  const lines = Object.entries({ ...headers, "content-length": "0" }).map(([name, value]) => `${name}: ${value}\r\n`);
  const steps = [{ waitMs: 50 }, { write: `HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n` }];
  return { kind: "raw", steps, ending: "fin", fetched: after };
}

/** A rig over one of our simulated devices. */
export function simulatedRig(server: DeviceServer, device: object): Rig {
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
