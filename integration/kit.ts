import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { SimulatedDevice } from "../mocks/index.ts";
import {
  type Client,
  type ClientOptions,
  createClient,
  type Device,
  type DeviceOutcome,
  type FlashwaveErrorCode,
  isFlashwaveError,
  type Profile,
} from "../src/index.ts";

/** A client for loopback that does not take its time: what is proven is the order of things, not their pace. */
export function fastClient(options: ClientOptions = {}): Client {
  return createClient({
    addressPolicy: { permit: ["127.0.0.0/8"] },
    ...options,
    verification: { stableFor: 20, deadline: 5_000, ...options.verification },
    retry: { base: 5, cap: 20, busyBase: 5, quietPeriod: 20, ...options.retry },
  });
}

/** Asks a simulated device for everything that it can tell of itself. */
export const witness: Profile = Object.freeze({
  inspect: { also: { digest: "/digest", deviceId: "/id", bootId: "/bootId", slot: "/slot" } },
});

export const asDevice = (
  { id, url }: { readonly id: string; readonly url: string },
  profile: Profile = witness,
): Device => ({ id, address: url, profile });

export async function collect(outcomes: AsyncIterable<DeviceOutcome>): Promise<DeviceOutcome[]> {
  const all: DeviceOutcome[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

/** How often each `status`, or `status code`, occurred. */
export function tally(outcomes: readonly DeviceOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const name = "error" in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** The claims of an outcome that its device contradicts: none, if Flashwave keeps its word. */
export function contradictions(outcome: Pick<DeviceOutcome, "artifact" | "status">, device: SimulatedDevice): string[] {
  const { artifact, status } = outcome;
  const runs = device.version === artifact.version && device.digest === artifact.digest;
  const wrongBytes = device.received.filter((r) => r.complete && r.sha256 !== artifact.digest);
  const found: string[] = [];
  if (status === "updated" && !runs) found.push(`${device.id}: updated, but runs ${device.version}`);
  if (status === "skipped" && !runs) found.push(`${device.id}: skipped, but runs ${device.version}`);
  if (wrongBytes.length > 0) found.push(`${device.id}: received other bytes than the artifact's`);
  // A device sees late that a send was broken off; only where every one came to its end does it know that two overlapped.
  const whole = device.received.filter(({ complete }) => complete).length === device.counters.requests.update;
  if (device.counters.updatesAtOnce > 1 && whole) found.push(`${device.id}: two attempts overlapped`);
  return found;
}

/** The error of a call that must fail, and must fail with a `FlashwaveError`. */
export async function failure(call: () => unknown): Promise<{ code: FlashwaveErrorCode; message: string }> {
  try {
    await call();
  } catch (error) {
    if (isFlashwaveError(error)) return error;
    throw error;
  }
  throw new Error("the call was expected to fail");
}

/** Descriptors of this process that are sockets or regular files, as far as the system tells (Linux). */
export function openDescriptors(): { readonly sockets: number; readonly files: readonly string[] } {
  let sockets = 0;
  const files: string[] = [];
  for (const name of listed("/proc/self/fd")) {
    const link = linked(`/proc/self/fd/${name}`);
    if (link.startsWith("socket:")) sockets++;
    else if (link.startsWith("/") && !link.startsWith("/dev/") && !link.startsWith("/proc/")) files.push(link);
  }
  return { sockets, files };
}

/** Waits until `look` gives what is expected: closing is asynchronous in the kernel. It gives up after five seconds. */
export async function settled(look: () => unknown, expected: unknown): Promise<void> {
  const wanted = JSON.stringify(expected);
  for (let tries = 0; tries < 500; tries++) {
    if (JSON.stringify(look()) === wanted) return;
    await pause(10);
  }
  throw new Error(`expected ${wanted}, still ${JSON.stringify(look())}`);
}

/** Bytes on the heap once everything that nobody holds has been collected. */
export async function heapAfterCollection(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  for (let round = 0; round < 4; round++) {
    collectGarbage();
    await pause(10);
  }
  return process.memoryUsage().heapUsed;
}

function listed(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linked(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
