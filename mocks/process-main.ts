import { controlOf } from "./control.ts";
import { startFleet } from "./fleet.ts";
import type { Answered, Call, Start } from "./process-protocol.ts";
import { startDeviceServer } from "./server.ts";
import { startSink } from "./sink.ts";

/* What `forkDevice`, `forkFleet` and `forkSink` run: one simulator, driven over the channel to its parent. */

type Methods = Readonly<Record<string, (...given: never[]) => unknown>>;

interface Served {
  /** What the parent is told first. */
  readonly hello: unknown;
  /** The methods of one device, or of the whole. */
  find(id?: string): Methods;
  close(): Promise<void>;
}

async function serveDevice(options: Extract<Start, { what: "device" }>["options"]): Promise<Served> {
  const server = await startDeviceServer(options);
  const methods: Methods = {
    ...controlOf(server.device),
    refuse: () => server.refuse(),
    accept: () => server.accept(),
  };
  return { hello: { url: server.url, port: server.port }, find: () => methods, close: () => server.close() };
}

async function serveFleet(options: Extract<Start, { what: "fleet" }>["options"]): Promise<Served> {
  const fleet = await startFleet(options);
  const whole: Methods = { counters: () => fleet.counters(), reset: () => fleet.reset() };
  return {
    hello: { devices: fleet.devices },
    find: (id) => (id === undefined ? whole : { ...fleet.control(id) }),
    close: () => fleet.close(),
  };
}

async function serveSink(options: Extract<Start, { what: "sink" }>["options"]): Promise<Served> {
  const sink = await startSink(options);
  const methods: Methods = { counters: () => sink.counters(), reset: () => sink.reset() };
  return { hello: { url: sink.url, port: sink.port }, find: () => methods, close: () => sink.close() };
}

function serve(start: Start): Promise<Served> {
  if (start.what === "device") return serveDevice(start.options);
  return start.what === "fleet" ? serveFleet(start.options) : serveSink(start.options);
}

const tell = (message: Answered): void => void process.send?.(message);

async function answer(served: Served, { call, method, id, arguments: given }: Call): Promise<void> {
  try {
    const run = served.find(id)[method];
    if (!run) throw new TypeError(`"${method}" is not to be had here`);
    tell({ call, value: await run(...(given as never[])) });
  } catch (error) {
    tell({ call, error: error instanceof Error ? error.message : String(error) });
  }
}

process.once("message", async (start: Start) => {
  try {
    const served = await serve(start);
    process.on("message", (call: Call) => {
      if (call.method !== "close") return void answer(served, call);
      void served.close().then(() => process.disconnect?.());
    });
    tell({ call: 0, value: served.hello });
  } catch (error) {
    const why: Answered = { call: 0, error: error instanceof Error ? error.message : String(error) };
    process.send?.(why, () => process.disconnect?.());
  }
});

// A parent that died takes its simulators along.
process.once("disconnect", () => process.exit(0));
