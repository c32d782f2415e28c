import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Fault,
  type FaultMoment,
  forkDevice,
  forkFleet,
  makeFirmware,
  sha256,
  startDeviceServer,
  startFleet,
  writeFirmware,
} from "../mocks/index.ts";
import { type Delivery, type Device, openArtifact } from "../src/index.ts";
import { asDevice, collect, contradictions, failure, fastClient, tally, witness } from "./kit.ts";

const version = "2.0.0";
const image = makeFirmware({ version, length: 1_024 });

describe("fleets, a hundred devices at a time", () => {
  it.each([1_000, 10_000])(
    "%i devices over real sockets",
    async (count) => {
      await using fleet = await forkFleet({ count, device: { keep: 1 } });
      // Fewer connections than devices: keeping each would take more descriptors than many systems give.
      await using client = fastClient({ verification: { stableFor: 0 }, limits: { connections: 512 } });
      await using artifact = await openArtifact(image, { version });

      const outcomes = await collect(client.pushMany(fleet.devices, artifact, { concurrency: 100 }));

      expect(tally(outcomes)).toEqual({ updated: count });
      expect(new Set(outcomes.map(({ device }) => device)).size).toBe(count);
      const counters = await fleet.counters();
      expect(counters).toMatchObject({ completed: count, corrupt: 0, updatesAtOnce: 1, boots: count, malformed: 0 });
      expect(counters.bytesReceived).toBe(count * image.length);
      expect(counters.requests).toMatchObject({ update: count, version: 2 * count, health: count });
      expect(client.statistics().connections).toBeLessThanOrEqual(512);
    },
    120_000,
  );

  it("100,000 deliveries that do nothing", async () => {
    const noop: Delivery = {
      kind: "noop",
      bind: () => ({
        traits: {
          resumable: false,
          repeat: "unsafe",
          refusals: new Set(),
          verdict: "reply",
          activates: "itself",
        },
        send: async (payload) => ({ status: 200, bytes: payload.artifact.length }),
        [Symbol.asyncDispose]: async () => {},
      }),
    };
    await using client = fastClient({ deliveries: [noop] });
    await using artifact = await openArtifact(image, { version });
    const count = 100_000;
    function* devices(): Generator<Device> {
      for (let i = 0; i < count; i++) yield { id: `noop-${i}`, address: "http://127.0.0.1:9" };
    }
    const seen = new Set<string>();
    const statuses: Record<string, number> = {};
    for await (const { status, device } of client.pushMany(devices(), artifact, { concurrency: 100, verify: false })) {
      seen.add(device);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    expect(statuses).toEqual({ sent: count });
    expect(seen.size).toBe(count);
    expect(client.statistics()).toMatchObject({ opened: 0 });
  });

  it("100 devices with 10 MB each, of two artifacts", async () => {
    const images = [1, 2].map((seed) => makeFirmware({ version, length: 10_485_760, seed }));
    await using fleet = await forkFleet({ count: 100, device: { keep: 1 } });
    await using client = fastClient();
    const artifacts = await Promise.all(images.map((bytes) => openArtifact(bytes, { version, frozen: true })));
    const places = new Map(fleet.devices.map(({ id }, at) => [id, at % 2]));
    const choose = ({ id }: Device) => {
      const artifact = artifacts[places.get(id) ?? 0];
      if (artifact === undefined) throw new Error("two artifacts");
      return artifact;
    };

    const outcomes = await collect(client.pushMany(fleet.devices, choose, { concurrency: 100 }));

    expect(tally(outcomes)).toEqual({ updated: 100 });
    const received = await Promise.all(fleet.devices.map(({ id }) => fleet.control(id).received()));
    expect(received.map(([one]) => one?.sha256)).toEqual(fleet.devices.map((_, at) => sha256(images[at % 2] ?? "")));
    await Promise.all(artifacts.map((artifact) => artifact[Symbol.asyncDispose]()));
  });
});

/** What three in ten devices do wrong; some of it once, some of it for ever. */
const mischief: readonly (readonly [FaultMoment, Fault, number])[] = [
  ["update", { kind: "cut", at: 300_000 }, 1],
  ["update", { kind: "cut", at: 300_000, ending: "fin" }, 100],
  ["update", { kind: "cut", at: "received" }, 1],
  ["update", { kind: "cut", at: "installed" }, 1],
  ["update", { kind: "status", status: 503 }, 2],
  ["update", { kind: "status", status: 500 }, 100],
  ["update", { kind: "status", status: 500, installs: true }, 1],
  ["update", { kind: "status", status: 429, afterBytes: 0 }, 1],
  ["update", { kind: "status", status: 403 }, 1],
  ["update", { kind: "lying-200" }, 1],
  ["update", { kind: "wrong-version", version: "1.5.0" }, 1],
  ["update", { kind: "wrong-version", version, digest: "ab".repeat(32) }, 1],
  ["update", { kind: "silent-rollback", afterMs: 30 }, 1],
  ["update", { kind: "blackhole" }, 1],
  ["update", { kind: "malformed", reply: "no-http" }, 1],
  ["version", { kind: "cut", at: "headers" }, 2],
  ["version", { kind: "body", body: "<html>" }, 2],
  ["version", { kind: "report", members: { id: "somebody-else" } }, 100],
  ["health", { kind: "status", status: 500 }, 100],
  ["connect", { kind: "cut", at: "headers" }, 2],
];

describe("chaos", () => {
  it("three in ten devices misbehave, and no outcome says what its device does not", async () => {
    const bytes = makeFirmware({ version, length: 1_048_576 });
    await using fleet = await startFleet({ count: 200 });
    let next = 0;
    for (const [at, { id }] of fleet.devices.entries()) {
      if (at % 10 >= 3) continue;
      const [on, fault, times] = mischief[next++ % mischief.length] ?? ["update", { kind: "lying-200" }, 1];
      fleet.get(id).faults.script({ on, fault, times });
    }
    expect(next).toBe(60);
    await using client = fastClient({
      timeouts: { connect: 1_000, response: 1_000, stall: 2_000 },
      verification: { stableFor: 150, deadline: 4_000 },
    });
    await using artifact = await openArtifact(bytes, { version });
    const devices = fleet.devices.map((device) => ({ ...device, profile: witness }));

    const outcomes = await collect(client.pushMany(devices, artifact, { concurrency: 100 }));

    expect(outcomes).toHaveLength(200);
    expect(outcomes.flatMap((outcome) => contradictions(outcome, fleet.get(outcome.device)))).toEqual([]);
    // 140 devices do nothing wrong, and 11 of the 20 kinds of mischief, at three devices each, are got over.
    expect(tally(outcomes)).toEqual({
      updated: 140 + 33,
      "failed connection_lost": 3,
      "failed device_error": 3,
      "failed not_updated": 6,
      "failed refused": 3,
      "failed unhealthy": 3,
      "failed wrong_device": 3,
      "failed wrong_digest": 3,
      "failed wrong_version": 3,
    });
    // And the other way round: who failed does not run it, but for those whose health or identity is in doubt.
    for (const outcome of outcomes) {
      if (outcome.status !== "failed" || outcome.error.code === "unhealthy") continue;
      const { version: running, digest } = fleet.get(outcome.device);
      expect(running === version && digest === artifact.digest, outcome.device).toBe(false);
    }
  });
});

describe("sizes and limits", () => {
  it("an artifact without bytes is refused, and sent when that is meant", async () => {
    expect(await failure(() => openArtifact(Buffer.alloc(0), { version }))).toMatchObject({ code: "artifact_empty" });
    await using server = await startDeviceServer({ id: "pos-001" });
    await using client = fastClient();
    await using artifact = await openArtifact(Buffer.alloc(0), { version, allowEmpty: true });
    const outcome = await client.update(asDevice({ id: "pos-001", url: server.url }), artifact, {
      headers: { "x-firmware-version": version },
    });
    expect(outcome).toMatchObject({ status: "updated", receipt: { bytes: 0 }, evidence: { digest: sha256("") } });
    expect(server.device.received).toMatchObject([{ bytes: 0, complete: true, sha256: sha256("") }]);
    expect(server.device.received[0]?.headers).toMatchObject({ "content-length": "0" });
  });

  it("100 MB from a file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "flashwave-stress-"));
    try {
      const file = await writeFirmware(join(directory, "fw.bin"), { version, length: 104_857_600 });
      await using device = await forkDevice({ id: "pos-001" });
      await using client = fastClient();
      await using artifact = await openArtifact(file.path, { version, digest: file.digest });
      const outcome = await client.update(asDevice({ id: "pos-001", url: device.url }), artifact);
      expect(outcome).toMatchObject({ status: "updated", evidence: { digest: file.digest } });
      expect(await device.received()).toMatchObject([{ bytes: file.length, sha256: file.digest, complete: true }]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("never more devices at once than it was told", async () => {
    // One device behind sixty names counts them all.
    await using server = await startDeviceServer({
      script: [
        { on: "update", fault: { kind: "slow-reader", stopAt: 100, stopMs: 20 }, times: Number.POSITIVE_INFINITY },
      ],
    });
    const devices = Array.from({ length: 60 }, (_, at) => ({ id: `pos-${at}`, address: server.url }));
    await using artifact = await openArtifact(image, { version });
    await using many = fastClient();
    const outcomes = await collect(many.pushMany(devices, artifact, { concurrency: 10, verify: false }));
    expect(tally(outcomes)).toEqual({ sent: 60 });
    expect(server.device.counters.updatesAtOnce).toBe(10);

    server.device.counters.updatesAtOnce = 0;
    await using gated = fastClient({ limits: { inFlight: 7 } });
    await Promise.all(devices.map((device) => gated.push(device, artifact)));
    expect(server.device.counters.updatesAtOnce).toBe(7);
  });

  it.each([1, 50].flatMap((ms) => [1_024, 1_048_576].map((length) => ({ ms, length }))))(
    "an answer after $ms ms to $length bytes",
    async ({ ms, length }) => {
      const bytes = makeFirmware({ version, length });
      const script = [{ on: "any", fault: { kind: "delay", ms }, times: Number.POSITIVE_INFINITY }] as const;
      await using fleet = await startFleet({ count: 20, chaos: [{ share: 1, script }] });
      await using client = fastClient();
      await using artifact = await openArtifact(bytes, { version });
      const outcomes = await collect(client.pushMany(fleet.devices, artifact, { concurrency: 20 }));
      expect(tally(outcomes)).toEqual({ updated: 20 });
      for (const device of fleet.all()) expect(device.received).toMatchObject([{ sha256: sha256(bytes) }]);
    },
  );
});
