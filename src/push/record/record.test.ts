import { describe, expect, it } from "vitest";
import type { DeviceOutcome } from "../../core/outcome.ts";
import { createMemoryRegistry } from "../../registry/memory/index.ts";
import { device, fakeArtifact, fault, lost, newState, oldState, rig } from "../fakes/index.ts";
import { flaws, schema } from "./schema.suite.ts";

const soon = { deadline: 20_000 };
const busy = fault("device_busy", { reply: { status: 503, excerpt: "secret words" } });

/** One update of each ending. */
const endings: Record<DeviceOutcome["status"], () => Promise<DeviceOutcome>> = {
  updated: () =>
    rig({ reads: [oldState, newState], sends: [busy, { status: 204, bytes: 4, remoteId: "u/7" }] }).client.update(
      { ...device, site: "shop" },
      fakeArtifact(),
    ),
  sent: async () => {
    const { client, artifact } = rig();
    for await (const outcome of client.pushMany([device], artifact, { verify: false })) return outcome;
    throw new Error("no outcome");
  },
  staged: () => {
    const activate = async () => {};
    const made = rig({ reads: [oldState], traits: { activates: "on-request" }, session: { activate } });
    return made.client.update(device, made.artifact, { activate: false });
  },
  skipped: () => rig({ reads: [newState] }).client.update(device, fakeArtifact()),
  failed: () => rig({ reads: [oldState], sends: [busy] }).client.update(device, fakeArtifact()),
  unknown: () => {
    const silent = fault("response_timeout", { phase: "verify" });
    return rig({ reads: [oldState, silent], sends: [lost] }, { verification: soon }).client.update(
      device,
      fakeArtifact(),
    );
  },
};

describe("a delivery record", () => {
  it.each(Object.entries(endings))("of a device that ends %s keeps to its schema", async (status, end) => {
    const { record } = await end();
    expect(record.outcome).toBe(status);
    expect(flaws(record)).toEqual([]);
    expect(flaws(JSON.parse(JSON.stringify(record)))).toEqual([]);
  });

  it("tells what was sent, to whom, what was answered, what was read back and when", async () => {
    const outcome = await endings.updated();
    const { attempts, ...record } = outcome.record;
    expect(record).toEqual({
      format: "flashwave-delivery-record/1",
      outcome: "updated",
      startedAt: 1_767_225_600_000,
      endedAt: expect.any(Number),
      device: {
        id: "d1",
        origin: "http://10.0.0.1",
        delivery: "fake",
        site: "shop",
        identity: "address",
        certificates: [],
      },
      artifact: fakeArtifact().ref,
      written: { bytes: 4, digest: "a".repeat(64), knownBy: "blocks-checked-before-sending" },
      answer: { status: 204, acknowledgedBy: "reply", early: false, activated: true, remoteId: "u/7" },
      readBack: {
        reads: expect.any(Number),
        before: oldState,
        last: newState,
        evidence: "evidence" in outcome ? outcome.evidence : undefined,
      },
    });
    const [first, second] = attempts;
    expect(attempts).toEqual([
      {
        id: expect.stringMatching(/-1-1$/),
        startedAt: 1_767_225_600_000,
        endedAt: 1_767_225_600_000,
        error: expect.anything(),
      },
      { id: expect.stringMatching(/-1-2$/), startedAt: 1_767_225_602_500, endedAt: 1_767_225_602_500 },
    ]);
    expect(first?.error).toMatchObject({ code: "device_busy", status: 503 });
    expect(second?.startedAt).toBeGreaterThan(first?.endedAt ?? Number.POSITIVE_INFINITY);
    expect(record.endedAt).toBe(record.startedAt + outcome.duration);
    expect(JSON.stringify(outcome.record)).not.toContain("secret words");
  });

  it("claims no bytes that the device did not acknowledge", async () => {
    const arrived = rig({ reads: [oldState, newState], sends: [lost] });
    const { record } = await arrived.client.update(device, arrived.artifact);
    expect(record).toMatchObject({ outcome: "updated", answer: { acknowledgedBy: "readback" } });
    for (const told of [record, (await endings.failed()).record, (await endings.unknown()).record])
      expect(told).not.toHaveProperty("written");
  });

  it("is made once, frozen, and neither copied nor printed with its outcome", async () => {
    const outcome = await endings.updated();
    expect(outcome.record).toBe(outcome.record);
    expect(Object.isFrozen(outcome.record.device.certificates)).toBe(true);
    expect(JSON.stringify(outcome)).not.toContain("flashwave-delivery-record");
    expect(Object.keys(outcome)).not.toContain("record");
  });

  it("of a device that nobody knows says as much", async () => {
    const { client, artifact } = rig({}, { registry: createMemoryRegistry() });
    for await (const { record } of client.pushMany(["ghost"], artifact)) {
      expect(record).toMatchObject({
        outcome: "failed",
        device: { id: "ghost" },
        attempts: [],
        readBack: { reads: 0 },
      });
      expect(record.device).not.toHaveProperty("origin");
      expect(flaws(record)).toEqual([]);
    }
  });

  it("tells of a success that was taken back, and holds no evidence that a trial took back", async () => {
    const commit = async () => {};
    const made = rig({ reads: [oldState, newState, newState, oldState], session: { commit } });
    const { record } = await made.client.update(device, made.artifact, { verification: { stableFor: 10 } });
    expect(record).toMatchObject({ outcome: "failed", retracted: { state: oldState, evidence: { version: "2.0.0" } } });
    expect(record.readBack).not.toHaveProperty("evidence");
    expect(flaws(record)).toEqual([]);
  });
});

describe("the schema of records", () => {
  it("refuses what no record is", async () => {
    const { record } = await endings.updated();
    const spoilt: readonly object[] = [
      { ...record, format: "flashwave-delivery-record/2" },
      { ...record, password: "x" },
      { ...record, startedAt: "yesterday" },
      { ...record, startedAt: -1 },
      { ...record, device: { id: "d1" } },
      { ...record, device: { ...record.device, certificates: ["AA:BB"] } },
      { ...record, device: { ...record.device, origin: "http://user:pass@10.0.0.1" } },
      { ...record, written: { ...record.written, digest: "none" } },
      { ...record, attempts: [{}] },
      { ...record, readBack: { reads: 1.5 } },
      [record],
    ];
    expect(spoilt.filter((value) => flaws(value).length === 0)).toEqual([]);
  });

  it("names everything that it asks for", () => {
    const parts = [schema, ...Object.values(schema["$defs"] as object)] as {
      required?: string[];
      properties?: object;
    }[];
    for (const { required = [], properties = {} } of parts)
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(required));
  });
});
