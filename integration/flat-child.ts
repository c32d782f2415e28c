// Pushes to faulty devices again and again, in a process that does nothing else, and tells what stayed behind.
import { getEventListeners } from "node:events";
import type { Fault } from "../mocks/index.ts";
import { type FleetDevice, forkFleet } from "../mocks/index.ts";
import { createBufferPool } from "../src/bytes/index.ts";
import { createClient, isFlashwaveError, openArtifact } from "../src/index.ts";
import { openDescriptors, settled } from "./kit.ts";

const [faulty = 0, well = 0] = process.argv.slice(2).map(Number);
const devicesPerFault = 4;
const imageBytes = 65_536;
const atOnce = 16;

/** Faults that cost no waiting, each by a name: each ends the push that it meets. One device is well. */
const faults: Readonly<Record<string, Fault | undefined>> = {
  none: undefined,
  "a reset at the headers": { kind: "cut", at: "headers" },
  "an end half-way": { kind: "cut", at: imageBytes / 2, ending: "fin" },
  "a reset behind the body": { kind: "cut", at: "received" },
  "half an answer": { kind: "cut", at: { reply: 12 } },
  "403": { kind: "status", status: 403 },
  "an early 503 and a reset": { kind: "status", status: 503, afterBytes: 0, afterwards: "rst" },
  "500": { kind: "status", status: 500 },
  "an early 200 and a reset": { kind: "status", status: 200, afterBytes: 0, afterwards: "rst" },
  "a redirect": { kind: "redirect", location: "http://127.0.0.1:1/" },
  "no HTTP": { kind: "malformed", reply: "no-http" },
  "a cut body": { kind: "malformed", reply: "truncated-body", afterwards: "rst" },
  "headers of 40 KB": { kind: "oversize-headers", bytes: 40_000 },
  "interim answers": { kind: "information-flood", count: 150 },
};
const names = Object.keys(faults);

/** Sockets and files as the system counts them, timers, sockets and requests as Node does. */
function openNow(): object {
  const kinds: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const { sockets, files } = openDescriptors();
  return { sockets, files: files.length, kinds };
}

async function heap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

const nameOf = (at: number): string => names[at % names.length] ?? "";

/** What is waited for without end would hide what was lost: a lease, say, without which nothing more is sent. */
let done = 0;
let seen = -1;
setInterval(() => {
  if (done === seen) process.exit(3);
  seen = done;
}, 10_000).unref();

await using fleet = await forkFleet({ count: names.length * devicesPerFault, device: { keep: 1 } });
for (const [at, { id }] of fleet.devices.entries()) {
  const fault = faults[nameOf(at)];
  if (fault !== undefined) await fleet.control(id).script({ on: "update", fault, times: Number.POSITIVE_INFINITY });
}
const before = openNow();
const pool = createBufferPool();
/** How often the pushes that met a fault ended as they did. */
const ended: Record<string, Record<string, number>> = Object.fromEntries(names.map((name) => [name, {}]));
const caller = new AbortController();
async function* source() {
  yield Buffer.alloc(imageBytes, 7);
}
const artifact = await openArtifact(source(), { version: "2.0.0", pool, cacheBytes: 0 });
const client = createClient({
  addressPolicy: { permit: ["127.0.0.0/8"] },
  retry: { attempts: 1, base: 0, busyBase: 0, quietPeriod: 0 },
});

async function push(device: FleetDevice, fault: string): Promise<void> {
  const end = await client.push(device, artifact, { signal: caller.signal }).then(
    () => "acknowledged",
    (error: unknown) => (isFlashwaveError(error) ? error.code : String(error)),
  );
  const ends = ended[fault] ?? {};
  ends[end] = (ends[end] ?? 0) + 1;
}

type Push = (device: FleetDevice, fault: string) => Promise<unknown>;

/** Each device in turn, and each one only once at a time. */
async function run(count: number, devices: readonly FleetDevice[], one: Push): Promise<void> {
  const free = [...devices.entries()];
  let left = count;
  const work = async () => {
    for (let next = free.shift(); next !== undefined && left-- > 0; next = free.shift()) {
      const [at, device] = next;
      await one(device, nameOf(at));
      done++;
      free.push(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Bytes after a collection: warmed up, after the first half, after the second. */
async function heapsOf(count: number, warming: number, devices: readonly FleetDevice[], one: Push): Promise<number[]> {
  // Code is compiled, pools are filled.
  await run(warming, devices, one);
  const heaps = [await heap()];
  for (const _ of ["first half", "second half"]) {
    await run(count / 2, devices, one);
    heaps.push(await heap());
  }
  return heaps;
}

const heaps = await heapsOf(faulty, Math.ceil(faulty / 10), fleet.devices, push);
// Pushes that go well are many more in the same time, so that what each of them left would show.
const healthy = fleet.devices.filter((_, at) => faults[nameOf(at)] === undefined);
const small = await openArtifact(Buffer.alloc(26, 7), { version: "2.0.0" });
const wellHeaps = await heapsOf(well, well / 2, healthy, (device) =>
  client.push(device, small, { signal: caller.signal }),
);
await small[Symbol.asyncDispose]();
const { connections, inFlight } = client.statistics();
const listeners = getEventListeners(caller.signal, "abort").length;
const { leased } = pool.statistics();
await client.close();
await artifact[Symbol.asyncDispose]();
await settled(openNow, before).catch(() => undefined);
process.send?.({
  ended,
  heaps,
  wellHeaps,
  connections,
  inFlight,
  listeners,
  leased,
  before,
  after: openNow(),
  devices: fleet.devices.length,
});
await fleet.close();
process.disconnect?.();
