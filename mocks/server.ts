import { controlOf, type DeviceControl } from "./control.ts";
import { createSimulatedDevice, type SimulatedDevice } from "./device.ts";
import type { SimulatedDeviceOptions } from "./device-options.ts";
import { type Dialect, plainDialect } from "./dialect.ts";
import type { ScriptEntry } from "./faults.ts";
import { Listener, type ListenerTls } from "./listener.ts";
import { defaultPaths, type EndpointPaths } from "./routes.ts";
import { realTime } from "./time.ts";

export interface DeviceServerOptions extends SimulatedDeviceOptions {
  /** A loopback address. @default "127.0.0.1" */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  readonly tls?: ListenerTls;
  /** Where its endpoints are. @default defaultPaths */
  readonly paths?: Partial<EndpointPaths>;
  /** The protocol it speaks, paths included. @default plain HTTP at `paths` */
  readonly dialect?: Dialect;
  /** While it restarts: accept and reset, or let the kernel refuse. @default "reset" */
  readonly whileRebooting?: "reset" | "refuse";
  /** Faults from the start. */
  readonly script?: readonly ScriptEntry[];
}

export interface DeviceServer extends AsyncDisposable {
  /** An origin: `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly device: SimulatedDevice;
  readonly control: DeviceControl;
  /** Connections open now. */
  readonly open: number;
  /** Plays these faults, in order, behind those that are still to come. */
  script(...entries: readonly ScriptEntry[]): void;
  /** Answers the next `times` updates with `status` (default 500), installing nothing. */
  failNext(times: number, status?: number): void;
  alwaysFail(status?: number): void;
  /** Forgets faults, counters and records; what the device runs stays. */
  reset(): void;
  /** Connections are refused from now on, and those that are open are cut. */
  refuse(): void;
  /** Listens again, at the same port. */
  accept(): Promise<void>;
  /** Where it speaks TLS: as after a restart, it shows another certificate from now on, at the same address. */
  certify(tls: Pick<ListenerTls, "key" | "cert">): void;
  /** Settled unless it is about to listen again, after a restart during which it refused. */
  readonly listening: Promise<void>;
  close(): Promise<void>;
}

export function assertLoopback(host: string): void {
  if (!/^127\.\d+\.\d+\.\d+$|^::1$|^localhost$/.test(host)) {
    throw new RangeError("a simulated device listens on loopback only");
  }
}

/** Starts one simulated device behind a listener of its own. */
export async function startDeviceServer(options: DeviceServerOptions = {}): Promise<DeviceServer> {
  const { host = "127.0.0.1", port = 0, tls, whileRebooting, clock = realTime, script = [] } = options;
  assertLoopback(host);
  const device = createSimulatedDevice(options);
  device.faults.script(...script);
  const listener = new Listener({
    host,
    port,
    tls,
    whileRebooting,
    clock,
    device,
    faults: device.faults,
    dialect: options.dialect ?? plainDialect({ ...defaultPaths, ...options.paths }),
    find: (head) => ({ device, path: head.path }),
    onMalformed: () => {
      device.counters.malformed++;
    },
  });
  await listener.listen();
  return handle(host, device, listener);
}

function handle(host: string, device: SimulatedDevice, listener: Listener): DeviceServer {
  const close = async () => {
    device[Symbol.dispose]();
    await listener.close();
  };
  return {
    url: listener.url,
    host,
    port: listener.port,
    device,
    control: controlOf(device),
    get open() {
      return listener.open;
    },
    script: (...entries) => device.faults.script(...entries),
    failNext: (times, status) => device.faults.failNext(times, status),
    alwaysFail: (status) => device.faults.alwaysFail(status),
    reset: () => device.reset(),
    refuse() {
      listener.refuse();
      listener.drop();
    },
    accept: () => listener.listen(),
    certify: (tls) => listener.certify(tls),
    get listening() {
      return listener.listening;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
