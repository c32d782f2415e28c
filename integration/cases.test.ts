import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { makeFirmware, type Received, sha256, startDeviceServer, startFleet } from "../mocks/index.ts";
import { openArtifact } from "../src/index.ts";
import { asDevice, collect, failure, fastClient, tally, witness } from "./kit.ts";

const version = "2.0.0";
const firmware = (length: number, seed = 1) => makeFirmware({ version, length, seed });
const digests = (received: readonly Received[]) =>
  received.map(({ sha256: digest, complete }) => ({ digest, complete }));

describe("the seven cases", () => {
  it("updates a single device", async () => {
    const bytes = firmware(300_000);
    await using server = await startDeviceServer({ id: "pos-001" });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });

    const outcome = await client.update(asDevice({ id: "pos-001", url: server.url }), artifact);

    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      evidence: { proved: "digest", newBoot: "seen", health: "ok", identity: "reported-id", digest: sha256(bytes) },
    });
    expect(digests(server.device.received)).toEqual([{ digest: sha256(bytes), complete: true }]);
    expect(server.device).toMatchObject({ version, digest: sha256(bytes) });
  });

  it("pushes to several devices truly at once", async () => {
    const bytes = firmware(20_000_000);
    // Each stops reading half-way and goes on only once all five have come so far: nobody could serve them in a row.
    await using fleet = await startFleet({
      count: 5,
      chaos: [
        { share: 1, script: [{ on: "update", fault: { kind: "slow-reader", stopAt: 10_000_000, stopMs: 400 } }] },
      ],
    });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const devices = fleet.devices.map((device) => ({ ...device, profile: witness }));
    let most = 0;
    const watch = setInterval(() => {
      const begun = [...fleet.all()].filter((d) => d.counters.bytesReceived > 0 && d.received.length === 0).length;
      most = Math.max(most, begun);
    }, 5);

    const outcomes = await collect(client.pushMany(devices, artifact, { concurrency: 5 }));
    clearInterval(watch);

    expect(tally(outcomes)).toEqual({ updated: 5 });
    expect(most).toBe(5);
    for (const device of fleet.all()) {
      expect(digests(device.received)).toEqual([{ digest: sha256(bytes), complete: true }]);
    }
  });

  it("fails, then retries", async () => {
    const bytes = firmware(300_000);
    await using server = await startDeviceServer({ id: "pos-001" });
    server.failNext(2, 503);
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });

    const outcome = await client.update(asDevice({ id: "pos-001", url: server.url }), artifact);

    expect(outcome).toMatchObject({ status: "updated", attempts: 3 });
    expect(server.device.received.map((r) => r.outcome)).toEqual(["discarded", "discarded", "installed"]);
    expect(new Set(server.device.received.map((r) => r.sha256))).toEqual(new Set([sha256(bytes)]));
    expect(server.device).toMatchObject({ version, digest: sha256(bytes) });
  });

  it("updates ten devices concurrently, each with bytes of its own", async () => {
    await using fleet = await startFleet({ count: 10 });
    await using client = fastClient();
    const images = fleet.devices.map((_, seed) => firmware(1_000_000, seed));
    const artifacts = await Promise.all(images.map((bytes) => openArtifact(bytes, { version })));

    const outcomes = await Promise.all(
      fleet.devices.map((device, at) => {
        const artifact = artifacts[at];
        if (artifact === undefined) throw new Error("one artifact for each device");
        return client.update({ ...device, profile: witness }, artifact);
      }),
    );

    expect(tally(outcomes)).toEqual({ updated: 10 });
    for (const [at, device] of [...fleet.all()].entries()) {
      const digest = sha256(images[at] ?? "");
      expect(digests(device.received)).toEqual([{ digest, complete: true }]);
      expect(device.digest).toBe(digest);
    }
    await Promise.all(artifacts.map((artifact) => artifact[Symbol.asyncDispose]()));
  });

  it("sends a large payload", async () => {
    const bytes = firmware(10_485_760);
    await using server = await startDeviceServer({ id: "pos-001" });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const progress: number[] = [];

    const receipt = await client.push(asDevice({ id: "pos-001", url: server.url }), artifact, {
      onProgress: ({ sent, total }) => {
        expect(total).toBe(bytes.length);
        progress.push(sent);
      },
    });

    expect(receipt).toMatchObject({ bytes: bytes.length, status: 200, attempts: 1, acknowledgedBy: "reply" });
    expect(progress.at(-1)).toBe(bytes.length);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(digests(server.device.received)).toEqual([{ digest: sha256(bytes), complete: true }]);
  });

  it("times out by the caller's signal", async () => {
    const bytes = firmware(20_000_000);
    await using server = await startDeviceServer({
      id: "pos-001",
      script: [{ on: "update", fault: { kind: "slow-reader", stopAt: 1_000_000, stopMs: 600 } }],
    });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const ended = once(server.device, "received");

    const error = await failure(() =>
      client.push(asDevice({ id: "pos-001", url: server.url }), artifact, { signal: AbortSignal.timeout(200) }),
    );

    expect(error).toMatchObject({ code: "aborted", bytesOut: "some", cause: { name: "TimeoutError" } });
    const [received] = (await ended) as [Received];
    expect(received.complete).toBe(false);
    expect(received.sha256).toBe(sha256(bytes.subarray(0, received.bytes)));
    expect(server.device.version).toBe("1.0.0");
  });

  it("sends custom headers", async () => {
    const bytes = firmware(100_000);
    await using server = await startDeviceServer({ id: "pos-001" });
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const headers = { "X-Job": "nightly 7", authorization: "Bearer abc", "content-type": "application/x-firmware" };

    await client.push({ ...asDevice({ id: "pos-001", url: server.url }), name: "Till 1" }, artifact, { headers });

    const [received] = server.device.received;
    expect(received).toMatchObject({ complete: true, sha256: sha256(bytes) });
    expect(received?.headers).toMatchObject({
      "x-job": "nightly 7",
      authorization: "Bearer abc",
      "content-type": "application/x-firmware",
      "content-length": "100000",
      "x-device-id": "pos-001",
      "x-device-name": "Till%201",
    });
    expect(received?.headers["transfer-encoding"]).toBeUndefined();
  });
});
