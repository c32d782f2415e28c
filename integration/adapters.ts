import {
  type DeviceServer,
  type Fault,
  type ListenerTls,
  makeFirmware,
  type PullFault,
  type RedfishDevice,
  type RedfishDeviceOptions,
  type RedfishFault,
  type RedfishPurpose,
  type Shelly,
  startAxis,
  startDeviceServer,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startRedfishDevice,
  startShellyGen1,
  startShellyGen2,
  startSwupdate,
  startTasmota,
  startTusDevice,
} from "../mocks/index.ts";
import { http, httpProbe } from "../src/delivery/http/index.ts";
import { redfish } from "../src/delivery/redfish/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { shellyGen1, shellyGen2 } from "../src/delivery/shelly/index.ts";
import { swupdate } from "../src/delivery/swupdate/index.ts";
import { tus } from "../src/delivery/tus/index.ts";
import { axis, elegantOta, esphome, mongooseOs, tasmota, webUpload } from "../src/delivery/web-upload/index.ts";
import type { ClientOptions, Device } from "../src/index.ts";

/** What a device of any protocol can be told to do wrong. */
export type AnyFault = Extract<Fault, { kind: "raw" | "cut" | "status" | "blackhole" | "hold" | "malformed" }>;

/** One device of one protocol, and what a client needs to speak it. */
export interface Station extends AsyncDisposable {
  readonly device: Device;
  readonly client: Pick<ClientOptions, "deliveries" | "probers">;
  /** On the request that carries the bytes (of a device that fetches: the order), or on reads, so many times. */
  fault(on: "send" | "read", fault: AnyFault, times?: number): void;
  /** Requests that carried bytes, or orders; those of them that came whole; and digests of other bytes than whole ones. */
  sends(): number;
  running(): string;
  /** On the next fetch of a device that fetches. */
  faultFetch?(fault: PullFault): void;
}

export interface Adapter {
  readonly name: string;
  /** The device fetches: a fault on "send" spoils the answer to the order, `faultFetch` the fetch. */
  readonly pulls?: true;
  /** A broken send goes on where it broke: its device is read by the next attempt itself, which asks it for its offset. */
  readonly resumes?: true;
  /** It asks more of the same connection after an answer that was whole, and may meet silence there. */
  readonly asksAgain?: "send" | "read";
  readonly start: (tls?: ListenerTls) => Promise<Station>;
  /** What becomes of a behaviour where that is not what the generic adapter makes of it. */
  readonly expected?: (generic: string) => string;
}

type Start<Server = DeviceServer> = (options: {
  readonly tls?: ListenerTls;
  readonly uptime: number;
}) => Promise<Server>;

/** One of our simulated devices; `sent` is what its sends are counted as. */
function simulated(
  name: string,
  start: Start,
  client: () => Station["client"],
  sent: "update" | "other" = "update",
): Adapter {
  return {
    name,
    async start(tls) {
      const server = await start({ uptime: 3_600, ...(tls && { tls }) });
      return stationOf(server, client(), sent);
    },
  };
}

function stationOf(server: DeviceServer, client: Station["client"], sent: "update" | "activate" | "other"): Station {
  return {
    device: { id: "dev-1", address: server.url },
    client,
    fault: (on, fault, times = 1) => server.script({ on: on === "send" ? sent : "version", fault, times }),
    sends: () => server.device.counters.requests[sent],
    running: () => server.device.version,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/**
 * What an answer that is whole comes to where the protocol asks for more than a 2xx: words, an offset, a place, a
 * fetch; and a read of it, where the version stands elsewhere.
 */
const asksFor = (acknowledged: string, read = "9.9.9"): Pick<Adapter, "expected"> => ({
  expected: (generic) => generic.replace("acknowledged", acknowledged).replace("9.9.9", read),
});

const only = (delivery: ReturnType<typeof http>) => () => ({ deliveries: [delivery] });

/** One read takes several requests: whatever the answer was, the first to follow finds the connection ended. */
const bmcRead = "unreadable_state|connection_lost";

function controller(name: string, options: RedfishDeviceOptions): Adapter {
  return {
    name,
    expected: (generic) => generic.replace(/9\.9\.9|unreadable_state/, bmcRead),
    asksAgain: "read",
    async start(tls) {
      const bmc = await startController(options, tls);
      return {
        ...bmcStation(bmc, "push"),
        client: { deliveries: [redfish()] },
        sends: () => bmc.device.counters.requests.update,
      };
    },
  };
}

/** A controller that is told to fetch (SimpleUpdate), from a server of the test's own. */
function fetchingController(): Adapter {
  return {
    name: "redfish by SimpleUpdate",
    pulls: true,
    expected: (generic) => generic.replace("acknowledged", "not_fetched").replace(/9\.9\.9|unreadable_state/, bmcRead),
    asksAgain: "read",
    async start(tls) {
      const bmc = await startController({ push: "none" }, tls);
      const publisher = await createArtifactServer();
      return {
        ...bmcStation(bmc, "pull"),
        client: { deliveries: [redfish({ publisher, patience: 500 })] },
        faultFetch: (fault) => bmc.service.pullFaults.push(fault),
        sends: () => bmc.asked.filter((line) => line.endsWith(".SimpleUpdate")).length,
        async [Symbol.asyncDispose]() {
          await publisher.close();
          await bmc.close();
        },
      };
    },
  };
}

const startController = (options: RedfishDeviceOptions, tls: ListenerTls | undefined) =>
  startRedfishDevice({ ...options, ...(tls && { tls: tls as { key: string; cert: string } }) });

const bmcStation = (bmc: RedfishDevice, send: RedfishPurpose) => ({
  device: { id: "dev-1", address: bmc.url },
  fault: (on: "send" | "read", fault: AnyFault, times = 1) =>
    bmc.script({ on: on === "send" ? send : "member", fault: bmcFault(fault), times }),
  running: () => bmc.device.version,
  [Symbol.asyncDispose]: () => bmc.close(),
});

function bmcFault(fault: AnyFault): RedfishFault {
  if (fault.kind === "raw" && fault.ending !== "serve") return fault as RedfishFault;
  // Its parser holds the connection: what would serve on is ended in order instead.
  if (fault.kind === "raw") return { ...fault, ending: "fin" };
  throw new Error(`a controller is not told to ${fault.kind}`);
}

/** A device that fetches from a server of the test's own, which ends with it. */
function fetching(name: string, start: Start<Shelly>, delivery: typeof shellyGen1): Adapter {
  return {
    name,
    pulls: true,
    ...asksFor("not_fetched", "unreadable_state"),
    async start(tls) {
      const server = await start({ uptime: 3_600, ...(tls && { tls }) });
      const publisher = await createArtifactServer();
      const deliveries = [delivery({ publisher, options: { patience: 500 } })];
      return {
        ...stationOf(server, { deliveries }, "activate"),
        faultFetch: (fault) => server.scriptPull(fault),
        async [Symbol.asyncDispose]() {
          await publisher.close();
          await server.close();
        },
      };
    },
  };
}

const probers = [httpProbe({ health: false })];

export const adapters: readonly Adapter[] = [
  simulated("http by POST", startDeviceServer, only(http())),
  simulated("http by PUT", startDeviceServer, only(http({ send: { method: "PUT" } }))),
  {
    ...simulated("tus", startTusDevice, only(tus({ checksum: false }))),
    ...asksFor("device_error"),
    resumes: true,
    asksAgain: "send",
  },
  {
    ...simulated("tus, created with the bytes", startTusDevice, only(tus({ checksum: false, createWithUpload: true }))),
    ...asksFor("device_error"),
    resumes: true,
  },
  {
    name: "swupdate",
    async start(tls) {
      const server = await startSwupdate({ uptime: 3_600, ...(tls && { tls }) });
      // What the websocket adds has tests of its own: here the upload's own connection is all that tells.
      server.play(...Array.from({ length: 10 }, () => ({ ends: "dumb" }) as const));
      const station = stationOf(server, { deliveries: [swupdate()], probers }, "update");
      return { ...station, device: { ...station.device, probe: "http" } };
    },
  },
  controller("redfish by multipart", { push: "multipart" }),
  controller("redfish by raw push", { push: "raw" }),
  { ...simulated("esphome", startEsphome, only(esphome())), ...asksFor("device_error", "unreadable_state") },
  { ...simulated("tasmota", startTasmota, only(tasmota())), ...asksFor("acknowledged", "unreadable_state") },
  { ...simulated("mongoose-os", startMongooseOs, only(mongooseOs())), ...asksFor("acknowledged", "unreadable_state") },
  {
    ...simulated("axis", (options) => startAxis({ ...options, patient: true }), only(axis())),
    ...asksFor("acknowledged", "unreadable_state"),
  },
  simulated("elegant-ota", startElegantOta, only(elegantOta({ inspect: { path: "/version", pointer: "/version" } }))),
  {
    ...simulated(
      "web-upload",
      startMongooseOs,
      only(webUpload({ inspect: { path: "/rpc/Sys.GetInfo", pointer: "/fw_version" } })),
    ),
    ...asksFor("acknowledged", "unreadable_state"),
  },
  fetchingController(),
  fetching("shelly-gen1", startShellyGen1, shellyGen1),
  fetching("shelly-gen2", startShellyGen2, shellyGen2),
];

export const image: Buffer = makeFirmware({ version: "2.0.0", length: 100_000 });
