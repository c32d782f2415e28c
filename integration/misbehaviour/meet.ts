import type { Behaviour } from "../../mocks/index.ts";
import { type Artifact, type ClientOptions, createClient, isFlashwaveError } from "../../src/index.ts";
import type { Adapter } from "../adapters.ts";

/** What became of a call that met a behaviour, and of the read after it. */
export interface Settled {
  /** `acknowledged`, the version that was read, or the error's code. */
  readonly code: string;
  /** What a read of the same device then tells, on whatever connection the client holds to be good. */
  readonly afterwards: string;
  /** Milliseconds until the call had settled: a figure, never asserted. */
  readonly took: number;
}

/** Milliseconds. `tight`: for devices that have to be waited for. `ample`: nothing but the device's own doing ends a call. */
const limits: Readonly<Record<"tight" | "ample", NonNullable<ClientOptions["timeouts"]>>> = {
  tight: { connect: 5_000, response: 500, stall: 500, minimumRate: 1_000_000_000 },
  ample: { connect: 20_000, response: 20_000, stall: 20_000 },
};

async function told(call: Promise<unknown>): Promise<string> {
  try {
    return String(await call);
  } catch (error) {
    if (isFlashwaveError(error)) return error.code;
    throw error;
  }
}

/** One behaviour on one device of one protocol, on its next send or read. At the end nothing of the client is left open. */
export async function meet(
  adapter: Adapter,
  on: "send" | "read",
  behaviour: Behaviour,
  artifact: Artifact,
  patience: keyof typeof limits,
): Promise<Settled> {
  await using station = await adapter.start();
  const { steps, at, ending } = behaviour;
  station.fault(on, { kind: "raw", steps, ...(at !== undefined && { at }), ...(ending && { ending }) });
  const client = createClient({
    ...station.client,
    addressPolicy: { permit: ["127.0.0.0/8"] },
    timeouts: limits[patience],
    retry: { attempts: 1, quietPeriod: 5 },
  });
  const read = () => told(client.inspect(station.device).then(({ version }) => version));
  const send = () => told(client.push(station.device, artifact).then(() => "acknowledged"));
  const began = performance.now();
  const code = await (on === "read" ? read() : send());
  const took = performance.now() - began;
  // A connection that was good when it was put by may have ended since: that costs one read, or two on a slow machine.
  let afterwards = await read();
  for (let more = 2; more > 0 && /^(connection_lost|response_timeout)$/.test(afterwards); more--)
    afterwards = await read();
  await client.close();
  const { connections, inFlight } = client.statistics();
  if (connections + inFlight > 0) throw new Error(`${behaviour.name}: ${connections} connections were left`);
  return { code, afterwards, took };
}
