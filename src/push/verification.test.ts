import { describe, expect, it } from "vitest";
import { device, fakeArtifact, fault, newState, oldState, type Play, rig } from "./fakes/index.ts";

/** Tells its boots, so that one read at the end of the stable time is enough. */
const booted = { ...newState, bootId: "b2" };

describe("verify", () => {
  it("is proven by reads that span the stable time", async () => {
    const { client, artifact, fake } = rig({ reads: [fault("connect_failed"), booted], health: [{}] });
    const evidence = await client.verify(device, artifact);
    expect(evidence).toMatchObject({
      device: "d1",
      proved: "version",
      version: "2.0.0",
      newBoot: "not-checked",
      health: "ok",
      reads: 3,
    });
    expect(fake.calls).toEqual(["inspect", "inspect", "inspect", "health"]);
  });

  it.each([
    ["the old version", { reads: [oldState] }, "not_updated"],
    ["silence", { reads: [fault("connect_failed")] }, "unverified"],
    ["a failing health check", { reads: [newState], health: [fault("unhealthy", { phase: "verify" })] }, "unhealthy"],
    ["a refused health check", { reads: [newState], health: [fault("refused", { phase: "verify" })] }, "unhealthy"],
    [
      "a failing health check, though the end cuts off the last read",
      { reads: [booted, booted, fault("deadline_exceeded")], health: [fault("unhealthy", { phase: "verify" })] },
      "unhealthy",
    ],
    ["another device", { reads: [{ ...newState, deviceId: "d9" }] }, "wrong_device"],
    ["another digest", { reads: [{ ...newState, digest: "b".repeat(64) }] }, "wrong_digest"],
    ["a certificate that is not the device's", { reads: [fault("pin_mismatch")] }, "pin_mismatch"],
    ["a version that never settles", { reads: [newState, oldState, newState, fault("connect_failed")] }, "unverified"],
  ] as const)("fails on %s", async (_what, delivery, code) => {
    const { client, artifact } = rig(delivery, { verification: { deadline: 30_000 } });
    await expect(client.verify(device, artifact)).rejects.toMatchObject({ code, device: "d1" });
  });

  it("takes a failing health check back once it passes", async () => {
    const { client, artifact } = rig({ reads: [newState], health: [fault("unhealthy", { phase: "verify" }), {}] });
    expect(await client.verify(device, artifact)).toMatchObject({ health: "ok" });
  });

  it("wants a boot since the send, unless told that there is none", async () => {
    const { client, artifact } = rig(
      {
        reads: [
          { ...oldState, bootId: "b1" },
          { ...newState, bootId: "b1" },
        ],
      },
      { verification: { deadline: 30_000 } },
    );
    expect(await client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: { code: "not_updated", message: expect.stringContaining("did not restart") },
    });
    const told = rig(
      {
        reads: [
          { ...oldState, bootId: "b1" },
          { ...newState, bootId: "b1" },
        ],
      },
      { verification: { newBoot: false } },
    );
    expect(await told.client.update(device, artifact)).toMatchObject({
      status: "updated",
      evidence: { newBoot: "not-checked" },
    });
  });

  it("takes an uptime too small to tell a boot for no evidence either way", async () => {
    const young =
      (state: typeof newState): Play<typeof newState, unknown> =>
      () => {
        // Booted a tenth of a second before the first read, and then again with the new image, or never.
        const up = (rigged.clock.now() - begun + 100) / 1_000;
        return { ...state, uptime: Math.floor(up), readAt: rigged.clock.wall() };
      };
    let rigged = rig({ reads: [young(oldState), young(newState)] });
    let begun = rigged.clock.now();
    expect(await rigged.client.update(device, rigged.artifact)).toMatchObject({
      status: "updated",
      evidence: { newBoot: "unclear" },
    });
    rigged = rig({ reads: [young(newState)] }, { verification: { deadline: 30_000 } });
    begun = rigged.clock.now();
    expect(await rigged.client.update(device, rigged.artifact, { force: true })).toMatchObject({
      status: "unknown",
      error: { code: "unverified", message: expect.stringContaining("too small or too coarse to tell") },
    });
    expect(rigged.fake.steps).toHaveLength(1);
  });

  it("proves a push by its version where nothing was read before, and says that the boot is unclear", async () => {
    const rigged = rig({ reads: [() => ({ ...newState, uptime: up(), readAt: rigged.clock.wall() })] });
    const begun = rigged.clock.wall();
    const up = () => (rigged.clock.wall() - begun) / 1_000;
    const since = await rigged.client.push(device, rigged.artifact);
    expect(await rigged.client.verify(device, rigged.artifact, { since })).toMatchObject({
      proved: "version",
      newBoot: "unclear",
    });
  });

  it("judges who answers, and so does update before it sends; inspect tells what it read", async () => {
    const stranger = { ...newState, deviceId: "d9" };
    const { client, artifact, fake } = rig({ reads: [stranger] });
    expect(await client.inspect(device)).toEqual(stranger);
    await expect(client.verify(device, artifact)).rejects.toMatchObject({ code: "wrong_device" });
    expect(await client.update(device, artifact)).toMatchObject({ error: { code: "wrong_device" } });
    expect(fake.steps).toHaveLength(0);
  });

  it("tells a stable other version from the old one", async () => {
    const { client, artifact } = rig({ reads: [oldState, { ...newState, version: "9.9.9" }] });
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: { code: "wrong_version" } });
  });

  it("needs a probe, a version, and a receipt of this very send", async () => {
    const { client, artifact } = rig();
    await expect(client.verify(device, artifact)).rejects.toMatchObject({ code: "no_probe" });
    await expect(client.inspect(device)).rejects.toMatchObject({ code: "no_probe" });
    const nameless = rig({ reads: [newState] });
    await expect(nameless.client.verify(device, fakeArtifact(""))).rejects.toMatchObject({ code: "no_version" });
    const receipt = await nameless.client.push(device, artifact);
    for (const broken of [null, {}, { device: "d1" }, { ...receipt, startedAt: "now" }, { ...receipt, before: 5 }]) {
      const since = broken as typeof receipt;
      await expect(nameless.client.verify(device, artifact, { since })).rejects.toMatchObject({
        code: "invalid_option",
      });
    }
    await expect(nameless.client.verify({ ...device, id: "d2" }, artifact, { since: receipt })).rejects.toMatchObject({
      code: "invalid_option",
    });
  });
});
