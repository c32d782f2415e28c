import {
  type Certificate,
  type DeviceServer,
  type Fault,
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
import type { ClientOptions, Device, Profile } from "../src/index.ts";

/** What a device of any protocol can be told to do wrong. */
export type AnyFault = Extract<Fault, { kind: "raw" | "cut" | "status" | "blackhole" | "hold" | "malformed" }>;

/** One device of one protocol, and what a client needs to speak it. */
export interface Station extends AsyncDisposable {
  readonly device: Device;
  readonly client: Pick<ClientOptions, "deliveries" | "probers">;
  /** On the request that carries the bytes (of a device that fetches: the order), or on reads, so many times. */
  fault(on: "send" | "read", fault: AnyFault, times?: number): void;
  /** Requests that carried bytes, or orders. */
  sends(): number;
  running(): string;
  /** How often it was asked for its offset; absent where it has none. */
  questions?(): number;
  /** On the next fetch of a device that fetches. */
  faultFetch?(fault: PullFault): void;
  /** Requests of any kind that it was asked; and bytes of artifacts that came, whole or not. */
  asked(): number;
  arrived(): number;
  /** Every stretch of an artifact that came, whole or not: what it was is known by its digest. */
  stretches(): readonly Stretch[];
  /** What it will say that it runs once it has taken its next image over, whatever that is. */
  claims(version: string): void;
  /** As after a restart: another certificate from now on, at the same address. */
  certify(tls: Certificate): void;
  /** Absent where what it answers to a read names no device. */
  readonly naming?: Naming;
}

export interface Stretch {
  /** Where in the artifact it began, in bytes. */
  readonly start: number;
  readonly bytes: number;
  readonly sha256: string;
}

const stretchesOf = ({ received }: DeviceServer["device"]): readonly Stretch[] =>
  received.map(({ bytes, sha256, headers }) => ({ start: Number(headers["upload-offset"] ?? 0), bytes, sha256 }));

/** How a read names the device. */
export interface Naming {
  /** Where that stands, for a device's profile. */
  readonly profile: Profile;
  readonly id: string;
  /** Another device answers in its place from now on, running what this one was sent. */
  swap(): void;
}

export interface Adapter {
  readonly name: string;
  /** The device fetches: a fault on "send" spoils the answer to the order, `faultFetch` the fetch. */
  readonly pulls?: true;
  /** A broken send goes on where it broke: its device is read by the next attempt itself, which asks it for its offset. */
  readonly resumes?: true;
  /** The artifact is a part of a form. */
  readonly wraps?: true;
  /** It asks more of the same connection after an answer that was whole, and may meet silence there. */
  readonly asksAgain?: "send" | "read";
  readonly start: (tls?: Certificate) => Promise<Station>;
  /** What becomes of a behaviour where that is not what the generic adapter makes of it. */
  readonly expected?: (generic: string) => string;
}

type Start<Server = DeviceServer> = (options: {
  readonly tls?: Certificate;
  readonly uptime: number;
}) => Promise<Server>;

/** One of our simulated devices. */
function simulated(
  name: string,
  start: Start,
  client: () => Station["client"],
  naming?: (server: DeviceServer) => Naming,
): Adapter {
  return {
    name,
    async start(tls) {
      const server = await start({ uptime: 3_600, ...(tls && { tls }) });
      return { ...stationOf(server, client(), "update"), ...(naming && { naming: naming(server) }) };
    },
  };
}

const always = Number.POSITIVE_INFINITY;

/** What it answers to a read tells its id, in the member `id`. */
const namingOf = (server: DeviceServer): Naming => ({
  profile: { inspect: { also: { deviceId: "/id" } } },
  id: server.device.id,
  swap: () =>
    server.script({ on: "version", fault: { kind: "report", members: { id: "another-device" } }, times: always }),
});

/** It is named elsewhere. `another`: what another one would say in its place that runs 2.0.0. */
const namedBy =
  (inspect: NonNullable<Profile["inspect"]>, id: string, another: string) =>
  (server: DeviceServer): Naming => ({
    profile: { inspect },
    id,
    swap: () => server.script({ on: "version", fault: { kind: "body", body: another }, times: always }),
  });

function stationOf(server: DeviceServer, client: Station["client"], sent: "update" | "activate"): Station {
  const { device } = server;
  return {
    device: { id: "dev-1", address: server.url },
    client,
    fault: (on, fault, times = 1) => server.script({ on: on === "send" ? sent : "version", fault, times }),
    sends: () => device.counters.requests[sent],
    questions: () => device.requests.filter(({ method }) => method === "HEAD").length,
    running: () => device.version,
    asked: () => Object.values(device.counters.requests).reduce((sum, count) => sum + count, 0),
    arrived: () => device.counters.bytesReceived,
    stretches: () => stretchesOf(device),
    claims(version) {
      device.claims = version;
    },
    certify: (tls) => server.certify(tls),
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
      const controller = await startController(options, tls);
      return {
        ...bmcStation(controller, "push"),
        client: { deliveries: [redfish()] },
        sends: () => controller.bmc.device.counters.requests.update,
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
      const controller = await startController({ push: "none" }, tls);
      const { bmc } = controller;
      const publisher = await createArtifactServer();
      return {
        ...bmcStation(controller, "pull"),
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

/** RFC 9562 §A: of no device that there is. */
const uuids = ["c232ab00-9414-11ec-b3c8-9f68deced846", "919108f7-52d1-4320-9bac-f847db4148a8"] as const;

interface Controller {
  readonly bmc: RedfishDevice;
  /** Its root tells another UUID from now on. */
  readonly swap: () => void;
}

async function startController(options: RedfishDeviceOptions, tls: Certificate | undefined): Promise<Controller> {
  const own = { ...options, uuid: uuids[0] as string, ...(tls && { tls }) };
  const bmc = await startRedfishDevice(own);
  // It is asked for its UUID at every read, and tells what its options say then.
  const swap = () => {
    own.uuid = uuids[1];
  };
  return { bmc, swap };
}

const bmcStation = ({ bmc, swap }: Controller, send: RedfishPurpose) => ({
  device: { id: "dev-1", address: bmc.url },
  fault: (on: "send" | "read", fault: AnyFault, times = 1) =>
    bmc.script({ on: on === "send" ? send : "member", fault: bmcFault(fault), times }),
  running: () => bmc.device.version,
  asked: () => bmc.asked.length,
  arrived: () => bmc.device.counters.bytesReceived,
  stretches: () => stretchesOf(bmc.device),
  claims(version: string) {
    bmc.device.claims = version;
  },
  certify: (tls: Certificate) => bmc.certify(tls),
  naming: { profile: { options: { uuid: true } }, id: uuids[0], swap },
  [Symbol.asyncDispose]: () => bmc.close(),
});

function bmcFault(fault: AnyFault): RedfishFault {
  if (fault.kind === "cut" && fault.at === "installed") return { kind: "cut", at: "installed" };
  if (fault.kind === "raw" && fault.ending !== "serve") return fault as RedfishFault;
  // Its parser holds the connection: what would serve on is ended in order instead.
  if (fault.kind === "raw") return { ...fault, ending: "fin" };
  throw new Error(`a controller is not told to ${fault.kind}`);
}

/** Where a Shelly tells its id, and what another one that runs 2.0.0 would say in its place. */
interface ShellyTold {
  readonly pointer: string;
  readonly id: string;
  readonly another: string;
}

/** A device that fetches from a server of the test's own, which ends with it. */
function fetching(name: string, start: Start<Shelly>, delivery: typeof shellyGen1, told: ShellyTold): Adapter {
  const { pointer, id, another } = told;
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
        naming: namedBy({ also: { deviceId: pointer } }, id, another)(server),
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
  simulated("http by POST", startDeviceServer, only(http()), namingOf),
  simulated("http by PUT", startDeviceServer, only(http({ send: { method: "PUT" } })), namingOf),
  {
    ...simulated("tus", startTusDevice, only(tus({ checksum: false })), namingOf),
    ...asksFor("device_error"),
    resumes: true,
    asksAgain: "send",
  },
  {
    ...simulated(
      "tus, created with the bytes",
      startTusDevice,
      only(tus({ checksum: false, createWithUpload: true })),
      namingOf,
    ),
    ...asksFor("device_error"),
    resumes: true,
  },
  {
    name: "swupdate",
    wraps: true,
    async start(tls) {
      const server = await startSwupdate({ uptime: 3_600, ...(tls && { tls }) });
      const station = stationOf(server, { deliveries: [swupdate()], probers }, "update");
      return {
        ...station,
        device: { ...station.device, probe: "http" },
        fault(on, fault, times) {
          // What the websocket adds to a send has tests of its own: here its own connection is all that tells.
          if (on === "send") server.play(...Array.from({ length: 10 }, () => ({ ends: "dumb" }) as const));
          station.fault(on, fault, times);
        },
        naming: namingOf(server),
      };
    },
  },
  { ...controller("redfish by multipart", { push: "multipart" }), wraps: true },
  controller("redfish by raw push", { push: "raw" }),
  {
    ...simulated("esphome", startEsphome, only(esphome())),
    ...asksFor("device_error", "unreadable_state"),
    wraps: true,
  },
  {
    ...simulated(
      "tasmota",
      startTasmota,
      only(tasmota()),
      namedBy(
        { query: { cmnd: "Status 0" }, also: { deviceId: "/StatusNET/Mac" } },
        "A8:03:2A:B1:23:45",
        '{"StatusFWR":{"Version":"2.0.0"},"StatusNET":{"Mac":"A8:03:2A:FF:FF:FF"}}',
      ),
    ),
    ...asksFor("acknowledged", "unreadable_state"),
    wraps: true,
  },
  {
    ...simulated("mongoose-os", startMongooseOs, only(mongooseOs()), namingOf),
    wraps: true,
    ...asksFor("acknowledged", "unreadable_state"),
  },
  {
    ...simulated(
      "axis",
      (options) => startAxis({ ...options, patient: true }),
      only(axis()),
      namedBy(
        {
          path: "/axis-cgi/basicdeviceinfo.cgi",
          json: '{"apiVersion":"1.0","method":"getAllProperties"}',
          pointer: "/data/propertyList/Version",
          also: { deviceId: "/data/propertyList/SerialNumber" },
        },
        "ACCC8E000000",
        '{"apiVersion":"1.0","data":{"propertyList":{"SerialNumber":"ACCC8EFFFFFF","Version":"2.0.0"}}}',
      ),
    ),
    wraps: true,
    ...asksFor("acknowledged", "unreadable_state"),
  },
  simulated(
    "elegant-ota",
    startElegantOta,
    only(elegantOta({ inspect: { path: "/version", pointer: "/version" } })),
    namingOf,
  ),
  {
    ...simulated(
      "web-upload",
      startMongooseOs,
      only(webUpload({ inspect: { path: "/rpc/Sys.GetInfo", pointer: "/fw_version" } })),
      namingOf,
    ),
    wraps: true,
    ...asksFor("acknowledged", "unreadable_state"),
  },
  fetchingController(),
  fetching("shelly-gen1", startShellyGen1, shellyGen1, {
    pointer: "/mac",
    id: "A8032AB12345",
    another: '{"mac":"A8032ABFFFFF","fw":"20260102-030405/v2.0.0-g1234567"}',
  }),
  fetching("shelly-gen2", startShellyGen2, shellyGen2, {
    pointer: "/id",
    id: "shellysim-a8032ab12345",
    another: '{"id":"shellysim-a8032abfffff","ver":"2.0.0"}',
  }),
];

export const image: Buffer = makeFirmware({ version: "2.0.0", length: 100_000 });
