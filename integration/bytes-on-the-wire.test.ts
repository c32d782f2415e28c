import { once } from "node:events";
import { appendFileSync, closeSync, openSync, renameSync, rmSync, truncateSync, utimesSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  type DeviceServer,
  forkDevice,
  makeFirmware,
  type Received,
  sha256,
  startDeviceServer,
  startFleet,
  writeFirmware,
} from "../mocks/index.ts";
import { type BufferPool, createBufferPool } from "../src/bytes/index.ts";
import { type Artifact, openArtifact } from "../src/index.ts";
import { asDevice, collect, failure, fastClient, openDescriptors, settled, tally, witness } from "./kit.ts";

const version = "2.0.0";
const id = "pos-001";
/**
 * More than the kernel's buffers and the ring hide, so that a change to the end is made before it was read. The last
 * chunk is so small that a socket takes it without waiting: it is still unsent when its source has ended.
 */
const length = 91 * 262_144 + 30_000;
const original = makeFirmware({ version, length });
const digest = sha256(original);
const lateInTheFile = length - 2_000_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-wire-"));
});
afterAll(() => rm(directory, { recursive: true }));

interface Rig extends AsyncDisposable {
  readonly path: string;
  readonly pool: BufferPool;
  readonly artifact: Artifact;
}

/** A file that is never cached, read through memory that is overwritten the moment it is given back. */
async function poisoned(name: string, capacity = 4): Promise<Rig> {
  const path = join(directory, name);
  await writeFirmware(path, { version, length });
  // A whole second, so that a change can be undone to the last trace.
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  const pool = createBufferPool({ poison: true, capacity });
  const artifact = await openArtifact(path, { version, digest, pool, cacheBytes: 0 });
  return {
    path,
    pool,
    artifact,
    async [Symbol.asyncDispose]() {
      await artifact[Symbol.asyncDispose]();
      // Every lease and every descriptor is back, whatever became of the sends.
      await settled(() => pool.statistics().leased + pool.statistics().waiting, 0);
      await settled(() => openDescriptors().files.filter((file) => file.startsWith(directory)), []);
      expect(pool.statistics().allocated).toBeLessThanOrEqual(capacity);
      rmSync(path, { force: true });
    },
  };
}

const authority = createCertificateAuthority();
const slow = { on: "update", fault: { kind: "slow-reader", bytesPerSecond: 30_000_000 } } as const;

describe("memory that is used again", () => {
  it.each(["http", "https"])("a slow reader over %s gets the artifact's bytes", async (scheme) => {
    await using rig = await poisoned(`slow-${scheme}.bin`);
    const tls = scheme === "https" ? { tls: authority.issue() } : {};
    await using device = await forkDevice({ id, script: [slow], ...tls });
    await using client = fastClient({ tls: { ca: authority.cert } });

    const outcome = await client.update(asDevice({ id, url: device.url }), rig.artifact);

    expect(outcome).toMatchObject({ status: "updated", attempts: 1, evidence: { proved: "digest", digest } });
    expect(await device.received()).toMatchObject([{ sha256: digest, complete: true, bytes: length }]);
    // All 24 MB went through two buffers, each filled anew while the device had yet to read what it held before.
    expect(rig.pool.statistics()).toMatchObject({ leased: 0, peak: 2 });
  });

  it.each(["http", "https"])("eight devices over %s share four buffers", async (scheme) => {
    await using rig = await poisoned(`fleet-${scheme}.bin`);
    const tls = scheme === "https" ? { tls: authority.issue() } : {};
    await using fleet = await startFleet({
      count: 8,
      addresses: "ports",
      ...tls,
      chaos: [{ share: 0.5, script: [slow] }],
    });
    await using client = fastClient({ tls: { ca: authority.cert } });

    const outcomes = await collect(
      client.pushMany(
        fleet.devices.map((device) => ({ ...device, profile: witness })),
        rig.artifact,
        { concurrency: 8 },
      ),
    );

    expect(tally(outcomes)).toEqual({ updated: 8 });
    for (const device of fleet.all()) expect(device.received).toMatchObject([{ sha256: digest, complete: true }]);
    expect(rig.pool.statistics().peak).toBeLessThanOrEqual(4);
  });

  it("aborts at many places leave nothing behind", async () => {
    await using rig = await poisoned("aborts.bin");
    await using server = await startDeviceServer({ id });
    await using client = fastClient();
    for (let at = 0; at < 20; at++) {
      const controller = new AbortController();
      const device = asDevice({ id, url: server.url });
      const sending = client.push(device, rig.artifact, {
        signal: controller.signal,
        onProgress: ({ sent }) => sent >= (at * length) / 20 && controller.abort(),
      });
      expect(await failure(() => sending)).toMatchObject({ code: "aborted" });
      await settled(() => rig.pool.statistics().leased, 0);
    }
    await client.push(asDevice({ id, url: server.url }), rig.artifact);
    expectPrefixes(server);
    expect(server.device.received.at(-1)).toMatchObject({ sha256: digest, complete: true });
  });
});

/** Whatever was received is how the artifact begins. */
function expectPrefixes(server: DeviceServer): void {
  for (const received of server.device.received) {
    expect(received.sha256).toBe(sha256(original.subarray(0, received.bytes)));
  }
}

/** Pushes, changes the file while the device has yet to take most of it, and gives what became of both. */
async function changeMidSend(
  rig: Rig,
  server: DeviceServer,
  change: (path: string) => void,
): Promise<{ readonly ended: unknown; readonly received: Received }> {
  server.script({ on: "update", fault: { kind: "slow-reader", stopAt: 1_000_000, stopMs: 200 } });
  await using client = fastClient();
  const arrived = once(server.device, "received");
  let changed = false;
  const ended = await client
    .push(asDevice({ id, url: server.url }), rig.artifact, {
      onProgress() {
        if (!changed) change(rig.path);
        changed = true;
      },
    })
    .catch((error: unknown) => error);
  expect(changed).toBe(true);
  const [received] = (await arrived) as [Received];
  return { ended, received };
}

function overwrite(path: string, bytes: Uint8Array, position: number): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

describe("a file that changes under a send", () => {
  const wrong = Buffer.alloc(4096, 0x5a);

  it("changed, aborted, restored, sent again: no wrong byte ever leaves", async () => {
    await using rig = await poisoned("restored.bin");
    await using server = await startDeviceServer({ id });

    const { ended, received } = await changeMidSend(rig, server, (path) => overwrite(path, wrong, lateInTheFile));

    expect(ended).toMatchObject({ code: "artifact_changed", bytesOut: "some", device: id });
    expect(received).toMatchObject({ complete: false, outcome: "incomplete" });
    expect(received.bytes).toBeLessThanOrEqual(lateInTheFile);
    expectPrefixes(server);

    // As it now stands, nothing of it is sent.
    await using client = fastClient();
    const device = asDevice({ id, url: server.url });
    expect(await failure(() => client.push(device, rig.artifact))).toMatchObject({ code: "artifact_changed" });
    expectPrefixes(server);

    overwrite(rig.path, original.subarray(lateInTheFile, lateInTheFile + wrong.length), lateInTheFile);
    utimesSync(rig.path, 1_700_000_000, 1_700_000_000);
    expect(await client.update(device, rig.artifact)).toMatchObject({ status: "updated", evidence: { digest } });
    expectPrefixes(server);
    expect(server.device.received.filter(({ complete }) => complete)).toMatchObject([{ sha256: digest }]);
  });

  it("an update of a changed file fails for good and installs nothing", async () => {
    await using rig = await poisoned("update.bin");
    await using server = await startDeviceServer({ id });
    overwrite(rig.path, wrong, lateInTheFile);
    utimesSync(rig.path, 1_700_000_000, 1_700_000_000);
    await using client = fastClient();
    const outcome = await client.update(asDevice({ id, url: server.url }), rig.artifact);
    expect(outcome).toMatchObject({ status: "failed", attempts: 1, error: { code: "artifact_changed" } });
    expect(server.device.version).toBe("1.0.0");
    expectPrefixes(server);
  });

  it.each([
    ["shrinks", (path: string) => truncateSync(path, lateInTheFile)],
    ["is emptied", (path: string) => truncateSync(path, 0)],
  ])("it %s: the send breaks off", async (what, change) => {
    await using rig = await poisoned(`${what}.bin`);
    await using server = await startDeviceServer({ id });
    const { ended, received } = await changeMidSend(rig, server, change);
    expect(ended).toMatchObject({ code: "artifact_changed", bytesOut: "some" });
    expect(received.complete).toBe(false);
    expectPrefixes(server);
  });

  it.each([
    ["grows", (path: string) => appendFileSync(path, wrong)],
    ["is deleted", (path: string) => rmSync(path)],
    [
      "is replaced",
      (path: string) => {
        const other = `${path}.new`;
        const file = openSync(other, "w");
        writeSync(file, wrong);
        closeSync(file);
        renameSync(other, path);
      },
    ],
  ])("it %s: the send ends with the bytes that were opened, the next one is refused", async (what, change) => {
    await using rig = await poisoned(`${what}.bin`);
    await using server = await startDeviceServer({ id });
    const { ended, received } = await changeMidSend(rig, server, change);
    expect(ended).toMatchObject({ status: 200, bytes: length });
    expect(received).toMatchObject({ complete: true, sha256: digest });

    await using client = fastClient();
    const again = await failure(() => client.push(asDevice({ id, url: server.url }), rig.artifact));
    expect(again).toMatchObject({ code: "artifact_changed", bytesOut: "none" });
    expectPrefixes(server);
  });
});
