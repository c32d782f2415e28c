import { controlOf, type DeviceControl } from "./control.ts";
import { createSimulatedDevice, type SimulatedDevice } from "./device.ts";
import type { SimulatedDeviceOptions } from "./device-options.ts";
import { plainDialect } from "./dialect.ts";
import { FaultQueue, type ScriptEntry } from "./faults.ts";
import { Listener, type ListenerOptions, type ListenerTls } from "./listener.ts";
import { type DeviceCounters, type RequestHead, sumCounters } from "./records.ts";
import { defaultPaths, type EndpointPaths } from "./routes.ts";
import { realTime } from "./time.ts";

export interface FleetOptions {
  readonly count: number;
  /** What all devices have in common. Ids are `<prefix><number>`, names follow them. */
  readonly device?: SimulatedDeviceOptions;
  /** What one device, counted from 0, has of its own. */
  readonly each?: (index: number) => SimulatedDeviceOptions;
  /** @default "sim-" */
  readonly prefix?: string;
  /**
   * `spread`: a listener per device, each on a loopback address of its own (127.64.0.0 onwards) at one port: one
   * origin per device, as in the field. `ports`: the same on 127.0.0.1, told apart by port; `spread` becomes this where
   * the system has one loopback address only. `shared`: one listener for all, told apart by the `x-device-id` header or
   * by a path `/devices/<id>/…`: for more devices than file descriptors.
   * @default "spread"
   */
  readonly addresses?: "spread" | "ports" | "shared";
  /** Of `spread`: the port that all have in common; a device that cannot have it takes any. @default any free one */
  readonly port?: number;
  readonly tls?: ListenerTls;
  readonly paths?: Partial<EndpointPaths>;
  /** Faults for a part of the fleet: exactly `share` (0 to 1) of the devices, evenly spread. */
  readonly chaos?: readonly { readonly share: number; readonly script: readonly ScriptEntry[] }[];
}

export interface FleetDevice {
  readonly id: string;
  readonly address: string;
}

export interface Fleet extends AsyncDisposable {
  /** As a client is given them. */
  readonly devices: readonly FleetDevice[];
  /** @throws RangeError for an id that is not in the fleet */
  get(id: string): SimulatedDevice;
  all(): Iterable<SimulatedDevice>;
  control(id: string): DeviceControl;
  /** Sums over all devices; `updatesAtOnce` is the largest of any. */
  counters(): DeviceCounters;
  /** Connections open now. */
  readonly open: number;
  reset(): void;
  close(): Promise<void>;
}

const perDevice = /^\/devices\/([^/]+)(\/.*)$/;

function makeDevices({ count, device, each, prefix = "sim-", chaos = [] }: FleetOptions): Map<string, SimulatedDevice> {
  const digits = String(count).length;
  const devices = new Map<string, SimulatedDevice>();
  for (let index = 0; index < count; index++) {
    const id = prefix + String(index + 1).padStart(digits, "0");
    const one = createSimulatedDevice({ keep: 100, id, ...device, ...each?.(index) });
    for (const { share, script } of chaos) {
      if (Math.floor((index + 1) * share + 1e-9) > Math.floor(index * share + 1e-9)) one.faults.script(...script);
    }
    devices.set(one.id, one);
  }
  return devices;
}

function loopback(index: number): string {
  return `127.${64 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}`;
}

type Common = Pick<ListenerOptions, "tls" | "dialect">;

async function listenApart(device: SimulatedDevice, host: string, port: number, common: Common): Promise<Listener> {
  const listener = new Listener({
    ...common,
    host,
    port,
    clock: device.options.clock ?? realTime,
    device,
    faults: device.faults,
    find: (head) => ({ device, path: head.path }),
    onMalformed: () => {
      device.counters.malformed++;
    },
  });
  await listener.listen();
  return listener;
}

/** Tries an address of its own; where that is not to be had, any port of it, or any port of 127.0.0.1. */
async function listenSpread(device: SimulatedDevice, index: number, port: number, common: Common): Promise<Listener> {
  try {
    return await listenApart(device, loopback(index), port, common);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return listenApart(device, loopback(index), 0, common);
    if (code === "EADDRNOTAVAIL") return listenApart(device, "127.0.0.1", 0, common);
    throw error;
  }
}

async function listenShared(devices: Map<string, SimulatedDevice>, common: Common): Promise<Listener> {
  const find = (head: RequestHead) => {
    const [, inPath, rest] = perDevice.exec(head.path) ?? [];
    const device = devices.get(inPath === undefined ? (head.headers["x-device-id"] ?? "") : inPath);
    return device && { device, path: rest ?? head.path };
  };
  const faults = new FaultQueue();
  const listener = new Listener({
    ...common,
    host: "127.0.0.1",
    port: 0,
    clock: realTime,
    faults,
    find,
    onMalformed() {},
  });
  await listener.listen();
  return listener;
}

async function listenAll(devices: Map<string, SimulatedDevice>, options: FleetOptions): Promise<Listener[]> {
  const common: Common = { tls: options.tls, dialect: plainDialect({ ...defaultPaths, ...options.paths }) };
  if (options.addresses === "shared") return [await listenShared(devices, common)];
  const [first, ...others] = devices.values();
  if (!first) return [];
  if (options.addresses === "ports") {
    return Promise.all([...devices.values()].map((device) => listenApart(device, "127.0.0.1", 0, common)));
  }
  const one = await listenSpread(first, 0, options.port ?? 0, common);
  const rest = others.map((device, index) => listenSpread(device, index + 1, one.port, common));
  return [one, ...(await Promise.all(rest))];
}

/** Starts many simulated devices in this process. A listener is cheap: thousands start within a second. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const devices = makeDevices(options);
  const listeners = await listenAll(devices, options);
  const get = (id: string) => {
    const device = devices.get(id);
    if (!device) throw new RangeError(`there is no device "${id}" in this fleet`);
    return device;
  };
  const close = async () => {
    for (const device of devices.values()) device[Symbol.dispose]();
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  return {
    devices: [...devices.keys()].map((id, index) => ({ id, address: (listeners[index] ?? listeners[0])?.url ?? "" })),
    get,
    all: () => devices.values(),
    control: (id) => controlOf(get(id)),
    counters: () => sumCounters([...devices.values()].map((device) => device.counters)),
    get open() {
      return listeners.reduce((sum, listener) => sum + listener.open, 0);
    },
    reset: () => {
      for (const device of devices.values()) device.reset();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
