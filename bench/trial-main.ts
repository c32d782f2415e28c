/**
 * One peer of one trial, in a process of its own. The runner writes a number of operations per line to our standard
 * input; we answer with one line of JSON per round.
 */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { createInterface } from "node:readline";
import { getHeapStatistics } from "node:v8";
import type { Context, Prepare, Runner, Sample } from "./types.ts";

export interface Order extends Context {
  /** An absolute URL of the module that exports `prepare`. */
  readonly module: string;
  readonly memory: boolean;
  /** Where a profile of all allocations, collected ones included, is to be written. */
  readonly allocations?: string;
}

const held = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

async function measure(runner: Runner, ops: number, memory: boolean): Promise<Omit<Sample, "retained">> {
  // A full collection throws optimised code away (22 µs per push instead of 15): only where memory is the question.
  if (memory) globalThis.gc?.();
  const rssBefore = process.memoryUsage.rss();
  let rss = rssBefore;
  const look = (): void => {
    rss = Math.max(rss, process.memoryUsage.rss());
  };
  const watch = memory ? setInterval(look, 2) : undefined;
  const heap = getHeapStatistics().total_allocated_bytes;
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const told = await runner.run(ops);
  const wallNs = Number(process.hrtime.bigint() - start);
  const used = process.cpuUsage(cpu);
  const heapBytes = getHeapStatistics().total_allocated_bytes - heap;
  clearInterval(watch);
  if (memory) look();
  const rssPeak = rss - rssBefore;
  if (memory) globalThis.gc?.();
  const rssHeld = memory ? process.memoryUsage.rss() - rssBefore : 0;
  return {
    ops: told?.ops ?? ops,
    wallNs,
    cpuUs: told?.cpuUs ?? used.user + used.system,
    heapBytes: heapBytes + (told?.heapBytes ?? 0),
    rssPeak,
    rssHeld,
    ...(told?.counts && { counts: told.counts }),
  };
}

/** `--heap-prof` shows what is still held; what a push costs is mostly what it lets go of again. */
async function sampleAllocations(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.startSampling", {
    samplingInterval: 4_096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  return session;
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const { prepare } = (await import(order.module)) as { prepare: Prepare };
const before = order.memory ? held() : 0;
const runner = await prepare(order);
const profiler = order.allocations === undefined ? undefined : await sampleAllocations();
process.stdout.write("ready\n");
let busy = false;
const lines = createInterface({ input: process.stdin });
lines.once("close", () => {
  // The runner is gone in the middle of a round.
  if (busy) process.exit(1);
});
for await (const line of lines) {
  const ops = Number(line);
  busy = true;
  const sample = await measure(runner, ops, order.memory);
  const retained = order.memory ? held() - before : 0;
  process.stdout.write(`${JSON.stringify({ ...sample, retained } satisfies Sample)}\n`);
  busy = false;
}
if (profiler !== undefined) {
  const { profile } = await profiler.post("HeapProfiler.stopSampling");
  writeFileSync(order.allocations ?? "", JSON.stringify(profile));
}
await runner.close();
// A peer that still holds sockets is not waited for: it was measured, not tested.
process.exit(0);
