import { describe, expect, it } from "vitest";
import type { Device } from "../core/device.ts";
import type { DeviceState, Evidence } from "../core/outcome.ts";
import { semver } from "../core/versions.ts";
import { createMemoryRegistry } from "../registry/memory/index.ts";
import { device, fakeArtifact, fault, newState, oldState, type Play, rig } from "./fakes/index.ts";
import { contradicts, withdrawal } from "./retraction.ts";

const soon = { deadline: 20_000 };
const evidence: Evidence = {
  device: "d1",
  proved: "version",
  version: "2.0.0",
  newBoot: "seen",
  health: "ok",
  identity: "address",
  reads: 2,
  firstSeenAt: 10,
  lastSeenAt: 20,
};

/** A client whose registry holds evidence of version 2.0.0, or of another. */
async function proven(
  reads: readonly Play<DeviceState, unknown>[],
  version = "2.0.0",
  health?: readonly Play<object, unknown>[],
) {
  const registry = createMemoryRegistry({ devices: [device] });
  await registry.devices.observe([{ id: "d1", seenAt: 20, firmware: version, evidence: { ...evidence, version } }]);
  const made = rig({ reads, ...(health && { health }) }, { registry, verification: soon });
  const told = () => made.events.filter(({ type }) => type === "retracted");
  return { ...made, registry, told, row: async () => (await registry.devices.getMany(["d1"])).get("d1") };
}

describe("contradicts", () => {
  const digest = "d".repeat(64);
  it.each([
    ["the same version", {}, {}, false],
    ["the same version, spelt otherwise", { version: "v2.0.0" }, {}, false],
    ["another version", { version: "1.0.0" }, {}, true],
    ["the same version of other bytes", { digest: "e".repeat(64) }, { digest }, true],
    ["the same bytes, whatever version they claim", { digest, version: "2.0.0-x" }, { digest }, false],
    ["another version, where only one side tells a digest", { version: "1.0.0" }, { digest }, true],
    ["a digest that nobody had proven", { digest }, {}, false],
    ["another device", { version: "1.0.0", deviceId: "d2" }, {}, false],
    ["another version and its own id", { version: "1.0.0", deviceId: "d1" }, {}, true],
  ] as const)("%s", (_what, state, proof, expected) => {
    expect(contradicts({ ...newState, ...state }, { ...evidence, ...proof }, semver)).toBe(expected);
  });
});

describe("withdrawal", () => {
  it("is never dated before the evidence that it takes back", () => {
    expect(withdrawal("d1", evidence, { ...oldState, readAt: 5 })).toMatchObject({ seenAt: 20, evidence: null });
    expect(withdrawal("d1", evidence, { ...oldState, readAt: 50 })).toMatchObject({ seenAt: 50, firmware: "1.0.0" });
  });
});

describe("a success", () => {
  it("is taken back by an inspect that finds the old version", async () => {
    const { client, told, row } = await proven([oldState]);
    expect(await client.inspect("d1")).toBe(oldState);
    expect(told()).toEqual([{ type: "retracted", device: "d1", evidence, state: oldState }]);
    expect(await row()).toMatchObject({ firmware: "1.0.0", status: "online" });
    expect(await row()).not.toHaveProperty("evidence");
    await client.inspect("d1");
    expect(told()).toHaveLength(1);
  });

  it("stands while reads show what was proven, and where the registry holds none", async () => {
    const { client, told, row } = await proven([newState, newState, oldState]);
    await client.inspect("d1");
    expect(await client.update("d1", fakeArtifact())).toMatchObject({ status: "skipped" });
    expect(told()).toEqual([]);
    expect(await row()).toMatchObject({ evidence: { version: "2.0.0" } });
    // A device that is handed in is not looked up.
    await client.inspect(device);
    expect(told()).toEqual([]);
  });

  it("is taken back by an update before it sends, whatever the update comes to", async () => {
    const { client, told, row, fake } = await proven([oldState]);
    const outcome = await client.update("d1", fakeArtifact());
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
    expect(fake.calls.slice(0, 2)).toEqual(["inspect", "send"]);
    expect(told()).toHaveLength(1);
    expect(await row()).not.toHaveProperty("evidence");
  });

  it("is taken back and given anew by an update that works", async () => {
    const { client, told, row, clock } = await proven([oldState, () => ({ ...newState, readAt: clock.wall() })]);
    expect(await client.update("d1", fakeArtifact())).toMatchObject({ status: "updated" });
    expect(told()).toHaveLength(1);
    expect((await row())?.evidence?.firstSeenAt).toBeGreaterThan(20);
  });

  it.each([
    ["fails", [oldState, { ...newState, version: "1.5.0" }], "wrong_version"],
    [
      "cannot tell what became of it",
      [oldState, { ...newState, version: "1.5.0" }, fault("connect_failed")],
      "unverified",
    ],
    ["finds it unwell", [oldState, newState], "unhealthy"],
  ] as const)("is taken back by an update that leaves another version and %s", async (_what, reads, code) => {
    const { client, told, row } = await proven(reads, "1.0.0", code === "unhealthy" ? [fault("unhealthy")] : undefined);
    const outcome = await client.update("d1", fakeArtifact(), { verification: { stableFor: 10 } });
    expect(outcome).toMatchObject({ error: { code } });
    const state = reads[1];
    expect(told()).toEqual([{ type: "retracted", device: "d1", evidence: { ...evidence, version: "1.0.0" }, state }]);
    expect(outcome.record).toMatchObject({ retracted: { state } });
    expect(await row()).toMatchObject({ firmware: state.version });
    expect(await row()).not.toHaveProperty("evidence");
  });

  it("stands where an update fails and leaves what was proven, and where another device answers", async () => {
    const other = { ...newState, version: "9.0.0", deviceId: "d2", readAt: 99 };
    for (const [reads, code] of [
      [[oldState], "not_updated"],
      [[oldState, other], "wrong_device"],
    ] as const) {
      const { client, told, row } = await proven(reads, "1.0.0");
      expect(await client.update("d1", fakeArtifact())).toMatchObject({ status: "failed", error: { code } });
      expect(told()).toEqual([]);
      expect(await row()).toMatchObject({ firmware: "1.0.0", evidence: { version: "1.0.0" } });
    }
  });

  it("of a device that is handed in as its registry keeps it is taken back without a registry, too", async () => {
    const held = { ...evidence, version: "1.0.0" };
    const { client, events } = rig({ reads: [oldState, { ...newState, version: "1.5.0" }] }, { verification: soon });
    const outcome = await client.update({ ...device, evidence: held } as Device, fakeArtifact());
    expect(outcome).toMatchObject({ status: "failed" });
    expect(events.filter(({ type }) => type === "retracted")).toMatchObject([{ evidence: held }]);
  });

  it("is taken back by a verification that finds another version, and renewed by one that finds it", async () => {
    const { client, told, row, clock } = await proven([
      () => ({ ...newState, readAt: clock.wall() }),
      () => ({ ...newState, readAt: clock.wall() }),
      oldState,
    ]);
    const renewed = await client.verify("d1", fakeArtifact(), { stableFor: 10 });
    expect((await row())?.evidence).toEqual(renewed);
    await expect(client.verify("d1", fakeArtifact())).rejects.toMatchObject({ code: "not_updated" });
    expect(told()).toEqual([{ type: "retracted", device: "d1", evidence: renewed, state: oldState }]);
    expect(await row()).not.toHaveProperty("evidence");
  });

  it("is not taken back by a verification of another artifact that the device does not run either", async () => {
    const { client, told, row } = await proven([newState]);
    await expect(client.verify("d1", fakeArtifact("3.0.0"))).rejects.toMatchObject({ code: "not_updated" });
    expect(told()).toEqual([]);
    expect(await row()).toMatchObject({ evidence });
  });

  it("is taken back without a registry where the evidence is handed in", async () => {
    const { client, events } = rig({ reads: [newState, newState, oldState] }, { verification: soon });
    const earlier = await client.verify(device, fakeArtifact(), { stableFor: 10 });
    await expect(client.verify(device, fakeArtifact(), { earlier })).rejects.toMatchObject({ code: "not_updated" });
    expect(events.at(-1)).toEqual({ type: "retracted", device: "d1", evidence: earlier, state: oldState });
  });

  it.each([
    ["no evidence", {}],
    ["another device's", { ...evidence, device: "d2" }],
    ["text", "yes"],
  ])("handed in as %s is refused before anything is read", async (_what, earlier) => {
    const { client, fake } = rig({ reads: [newState] });
    await expect(client.verify(device, fakeArtifact(), { earlier: earlier as Evidence })).rejects.toMatchObject({
      code: "invalid_option",
    });
    expect(fake.calls).toEqual([]);
  });

  it("that a trial took back before it was committed is told, too", async () => {
    const commit = async () => {};
    const { client, events } = rig({ reads: [oldState, newState, newState, oldState], session: { commit } });
    const outcome = await client.update(device, fakeArtifact(), { verification: { stableFor: 10 } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated", phase: "commit" } });
    const types = events.map(({ type }) => type);
    expect(types.slice(types.indexOf("verified"))).toEqual(["verified", "read", "retracted", "outcome"]);
  });

  it("that cannot be taken back is not passed over", async () => {
    const devices = {
      getMany: async () => new Map([["d1", { ...device, evidence }]]) as never,
      observe: async () => Promise.reject(new Error("disk")),
    };
    const { client, events } = rig({ reads: [oldState] }, { registry: { devices } });
    await expect(client.inspect("d1")).rejects.toMatchObject({ code: "registry_failed", cause: { message: "disk" } });
    expect(events.map(({ type }) => type)).toEqual(["retracted"]);
    expect(await client.update("d1", fakeArtifact())).toMatchObject({ status: "unknown" });
  });
});
