import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeviceControl } from "./control.ts";
import type { FleetDevice } from "./fleet.ts";
import type { Answered, Call, ForkedDeviceOptions, ForkedFleetOptions, Start } from "./process-protocol.ts";
import type { DeviceCounters } from "./records.ts";
import type { SinkCounters, SinkOptions } from "./sink.ts";

export type { ForkedDeviceOptions, ForkedFleetOptions } from "./process-protocol.ts";

/** The same words as in this process, each answered a little later. */
export type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...given: infer A extends readonly unknown[]) => infer R
    ? (...given: A) => Promise<Awaited<R>>
    : never;
};

/** A simulator in a process of its own. */
export interface Forked extends AsyncDisposable {
  readonly pid: number;
  /** Ends the process in good order; by force after 5 s. Resolves once it is gone. */
  close(): Promise<void>;
}

export interface ForkedDevice extends Forked, Remote<DeviceControl> {
  readonly url: string;
  readonly port: number;
  refuse(): Promise<void>;
  accept(): Promise<void>;
}

export interface ForkedFleet extends Forked {
  readonly devices: readonly FleetDevice[];
  control(id: string): Remote<DeviceControl>;
  /** Sums over all devices. */
  counters(): Promise<DeviceCounters>;
  reset(): Promise<void>;
}

export interface ForkedSink extends Forked {
  readonly url: string;
  readonly port: number;
  counters(): Promise<SinkCounters>;
  reset(): Promise<void>;
}

const patience = 5_000;

/** The child's end of the channel: calls go out numbered, answers find their call. */
class Channel {
  readonly child: ChildProcess;
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;

  constructor() {
    // Beside this file, and of the same kind: .ts where node runs the sources, .js in the built package.
    const main = fileURLToPath(new URL(`./process-main${extname(import.meta.url)}`, import.meta.url));
    // Not the parent's flags: a debugger's port or a test runner's loader is none of the child's business.
    this.child = fork(main, {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (answered: Answered) => this.#settle(answered));
    this.child.once("exit", (code, signal) => this.#lose(`the simulator's process ended (${signal ?? code})`));
    this.child.on("error", (error) => this.#lose(error.message));
  }

  start(start: Start): Promise<unknown> {
    return this.#send(0, start);
  }

  call(method: Call["method"], id: string | undefined, given: readonly unknown[]): Promise<unknown> {
    const call = ++this.#last;
    return this.#send(call, { call, method, id, arguments: given });
  }

  async close(): Promise<void> {
    const { child } = this;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const force = setTimeout(() => child.kill("SIGKILL"), patience);
    if (child.connected) child.send({ call: -1, method: "close", arguments: [] } satisfies Call, () => {});
    await gone;
    clearTimeout(force);
  }

  #send(call: number, message: Start | Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.child.send(message, (error) => error && this.#lose(error.message));
    });
  }

  #settle(answered: Answered): void {
    const waiting = this.#calls.get(answered.call);
    this.#calls.delete(answered.call);
    if ("error" in answered) waiting?.reject(new Error(answered.error));
    else waiting?.resolve(answered.value);
  }

  #lose(why: string): void {
    for (const { reject } of this.#calls.values()) reject(new Error(why));
    this.#calls.clear();
  }
}

type Hello = { readonly url: string; readonly port: number; readonly devices: readonly FleetDevice[] };

async function start(what: Start): Promise<{ channel: Channel; hello: Hello; forked: Forked }> {
  const channel = new Channel();
  try {
    const hello = (await channel.start(what)) as Hello;
    const close = () => channel.close();
    return { channel, hello, forked: { pid: channel.child.pid ?? 0, close, [Symbol.asyncDispose]: close } };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

function remote(channel: Channel, id?: string): Remote<DeviceControl> {
  const call =
    (method: Call["method"]) =>
    (...given: readonly unknown[]) =>
      channel.call(method, id, given) as Promise<never>;
  return {
    state: call("state"),
    counters: call("counters"),
    received: call("received"),
    requests: call("requests"),
    script: call("script"),
    reset: call("reset"),
    health: call("health"),
    reboot: call("reboot"),
  };
}

/** One simulated device in a process of its own: what it costs is not on the sender's account. */
export async function forkDevice(options: ForkedDeviceOptions = {}): Promise<ForkedDevice> {
  const { channel, hello, forked } = await start({ what: "device", options });
  const plain = (method: "refuse" | "accept") => () => channel.call(method, undefined, []) as Promise<void>;
  const { url, port } = hello;
  return { ...forked, ...remote(channel), url, port, refuse: plain("refuse"), accept: plain("accept") };
}

/** A fleet in a process of its own. */
export async function forkFleet(options: ForkedFleetOptions): Promise<ForkedFleet> {
  const { channel, hello, forked } = await start({ what: "fleet", options });
  const { counters, reset } = remote(channel);
  return { ...forked, devices: hello.devices, control: (id) => remote(channel, id), counters, reset };
}

/** A sink in a process of its own, for benchmarks. */
export async function forkSink(options: SinkOptions = {}): Promise<ForkedSink> {
  const { channel, hello, forked } = await start({ what: "sink", options });
  return {
    ...forked,
    url: hello.url,
    port: hello.port,
    counters: () => channel.call("counters", undefined, []) as Promise<SinkCounters>,
    reset: () => channel.call("reset", undefined, []) as Promise<void>,
  };
}
