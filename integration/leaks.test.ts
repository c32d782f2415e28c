import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ForkedFleet, forkFleet, makeFirmware } from "../mocks/index.ts";
import { createBufferPool } from "../src/bytes/index.ts";
import { type Client, openArtifact } from "../src/index.ts";
import { collect, failure, fastClient, heapAfterCollection, openDescriptors, settled, tally } from "./kit.ts";

const version = "2.0.0";
const devices = 100;
const rounds = 3;
const sweeps = 4;
const image = makeFirmware({ version, length: 300_000 });

let fleet: ForkedFleet;
let directory: string;
beforeAll(async () => {
  // In a process of its own, so that everything counted here is the client's.
  fleet = await forkFleet({ count: devices, device: { keep: 1 } });
  directory = await mkdtemp(join(tmpdir(), "flashwave-leaks-"));
});
afterAll(async () => {
  await fleet.close();
  await rm(directory, { recursive: true });
});

/** What a client could leave open: sockets and files, as the system and as Node count them. */
function openNow(): object {
  const kinds = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|GetAddrInfo/.test(kind));
  return { ...openDescriptors(), kinds };
}

async function round(client: Client): Promise<void> {
  await using artifact = await openArtifact(image, { version });
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const outcomes = await collect(client.pushMany(fleet.devices, artifact, { concurrency: 25, force: true }));
    expect(tally(outcomes)).toEqual({ updated: devices });
  }
}

/** Bytes that may look as if they stayed: 512 for each push after the first round, which warms everything up. */
const noise = (rounds - 1) * sweeps * devices * 512;

describe("what stays behind", () => {
  it("of clients that were closed: nothing", async () => {
    const before = openNow();
    const heap: number[] = [];
    for (let at = 0; at < rounds; at++) {
      await using client = fastClient({ verification: { stableFor: 0 } });
      await round(client);
      await client.close();
      await settled(openNow, before);
      heap.push(await heapAfterCollection());
    }
    expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(noise);
  });

  it("of one client that lives on: its connections, and no more of them", async () => {
    const before = openNow();
    await using client = fastClient({ verification: { stableFor: 0 } });
    const heap: number[] = [];
    for (let at = 0; at < rounds; at++) {
      await round(client);
      // One at first, and one more for what proves each update.
      const opened = devices * (1 + sweeps * (at + 1));
      expect(client.statistics()).toMatchObject({ connections: devices, inFlight: 0, opened });
      heap.push(await heapAfterCollection());
    }
    expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(noise);
    await client.close();
    await settled(openNow, before);
  });

  it("of pushes that failed or were aborted: nothing", async () => {
    const before = openNow();
    const pool = createBufferPool({ capacity: 8 });
    for (let at = 0; at < rounds; at++) {
      await using client = fastClient({ timeouts: { response: 300 }, retry: { attempts: 1 } });
      async function* source() {
        for (let i = 0; i < 8; i++) yield Buffer.alloc(1_000_000, i);
      }
      const options = { version, pool, cacheBytes: 0, spool: { directory } };
      await using artifact = await openArtifact(source(), options);
      expect(await readdir(directory)).toHaveLength(1);
      for (const [place, device] of fleet.devices.slice(0, 30).entries()) {
        const kind = place % 3;
        const fault = kind === 0 ? ({ kind: "cut", at: 500_000 } as const) : ({ kind: "blackhole" } as const);
        await fleet.control(device.id).script({ on: "update", fault });
      }
      await Promise.all(
        fleet.devices.slice(0, 30).map((device, place) => {
          const signal = place % 3 === 2 ? AbortSignal.timeout(20) : undefined;
          return failure(() => client.push(device, artifact, signal ? { signal } : {}));
        }),
      );
      await artifact[Symbol.asyncDispose]();
      await client.close();
      await fleet.reset();
      await settled(() => pool.statistics().leased, 0);
      await settled(openNow, before);
    }
    expect(await readdir(directory)).toEqual([]);
  });
});
