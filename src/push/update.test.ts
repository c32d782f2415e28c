import { describe, expect, it } from "vitest";
import type { Clock } from "../core/clock.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { device, fakeArtifact, fault, newState, oldState, rig } from "./fakes/index.ts";

const soon = { deadline: 20_000 };

describe("update", () => {
  it("goes from the old version to evidence, and commits", async () => {
    const calls: string[] = [];
    const commit = async () => {
      calls.push("commit");
    };
    const { client, artifact, fake, events } = rig({
      reads: [
        { ...oldState, bootId: "b1" },
        { ...newState, bootId: "b2" },
      ],
      session: { commit, settle: async () => "installed" },
    });
    const outcome = await client.update(device, artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { before: { version: "1.0.0" } },
      evidence: { newBoot: "seen", version: "2.0.0" },
    });
    expect(calls).toEqual(["commit"]);
    expect(fake.calls).toEqual(["inspect", "send", "inspect", "inspect", "inspect", "close"]);
    expect(events.map((event) => event.type)).toEqual([
      "attempt-started",
      "sent",
      "read",
      "read",
      "verified",
      "read",
      "outcome",
    ]);
  });

  it.each([
    ["forward", 3_600_000],
    ["back", -3_600_000],
  ])("takes no boot for seen, and hides none, when the wall clock is set %s meanwhile", async (_what, by) => {
    const clock = createVirtualClock({ auto: true });
    let set = 0;
    const jumping: Clock = {
      now: () => clock.now(),
      wall: () => clock.wall() + set,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      every: (ms, tick) => clock.every(ms, tick),
    };
    const begun = clock.now();
    // Up for ten minutes at the first read; the wall clock is set while the bytes are out.
    const reading = (version: string, since: number) => () => ({
      ...newState,
      version,
      readAt: jumping.wall(),
      uptime: (clock.now() - since) / 1_000,
    });
    const send = () => {
      set = by;
      return { status: 200, bytes: 4 };
    };
    const up = begun - 600_000;
    const options = { clock: jumping, verification: soon };
    const idle = rig({ reads: [reading("1.0.0", up), reading("2.0.0", up)], sends: [send] }, options);
    expect(await idle.client.update(device, idle.artifact)).toMatchObject({ error: { code: "not_updated" } });
    set = 0;
    const now = clock.now();
    const young = now - 2_000;
    const booted = rig(
      {
        reads: [reading("1.0.0", young), () => reading("2.0.0", now + 100)()],
        sends: [async () => clock.sleep(5_000).then(send)],
      },
      options,
    );
    expect(await booted.client.update(device, booted.artifact)).toMatchObject({
      status: "updated",
      evidence: { newBoot: "seen" },
    });
  });

  it("leaves a device alone that already runs the artifact, unless forced", async () => {
    const { client, artifact, fake } = rig({ reads: [newState] });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "skipped",
      reason: "already-running",
      attempts: 0,
      state: { version: "2.0.0" },
    });
    expect(fake.steps).toHaveLength(0);
    const booted = rig({
      reads: [
        { ...newState, bootId: "b1" },
        { ...newState, bootId: "b2" },
      ],
    });
    expect(await booted.client.update(device, artifact, { force: true })).toMatchObject({ status: "updated" });
  });

  it("does not take the version that was there before for a proof", async () => {
    const { client, artifact, fake } = rig({ reads: [newState] });
    expect(await client.update(device, artifact, { force: true })).toMatchObject({
      status: "unknown",
      error: { code: "unverified", message: expect.stringContaining("before the send as well") },
    });
    expect(fake.steps).toHaveLength(1);
    const told = rig({ reads: [{ ...newState, digest: artifact.digest }] });
    expect(await told.client.update(device, artifact, { force: true })).toMatchObject({
      status: "updated",
      evidence: { proved: "digest" },
    });
  });

  it("sends nothing to a device that cannot be read, or is another one", async () => {
    const { client, artifact, fake } = rig();
    expect(await client.update(device, artifact)).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "no_probe" },
    });
    const other = rig({ reads: [{ ...oldState, deviceId: "d9" }] });
    expect(await other.client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: { code: "wrong_device", phase: "inspect" },
    });
    const dark = rig({ reads: [fault("connect_failed")] }, { retry: { attempts: 2 } });
    expect(await dark.client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: { code: "connect_failed" },
    });
    expect([...fake.steps, ...other.fake.steps, ...dark.fake.steps]).toHaveLength(0);
    expect(dark.fake.calls).toEqual(["inspect", "inspect"]);
  });

  it("reads a device again that answers, but cannot tell its state yet", async () => {
    const { client, artifact, fake } = rig({ reads: [fault("unreadable_state"), oldState, newState] });
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    expect(fake.calls.indexOf("send")).toBe(2);
    const garbled = rig({ reads: [fault("unreadable_state")] });
    expect(await garbled.client.update(device, artifact)).toMatchObject({ error: { code: "unreadable_state" } });
    expect(garbled.fake.calls).toEqual(["inspect", "inspect", "inspect"]);
  });

  it("verifies although the answer to the order was lost, and does not claim that it was acknowledged", async () => {
    const activate = () => Promise.reject(fault("connection_lost", { bytesOut: "all", phase: "activate" }));
    const { client, artifact } = rig({
      reads: [oldState, newState],
      traits: { activates: "on-request" },
      session: { activate },
    });
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated", receipt: { activated: false } });
    const busy = () => Promise.reject(fault("device_busy", { bytesOut: "all", reply: { status: 503 } }));
    const refused = rig({
      reads: [oldState],
      traits: { activates: "on-request" },
      session: { activate: busy },
    });
    expect(await refused.client.update(device, artifact)).toMatchObject({ error: { code: "device_busy" } });
  });

  it("claims nothing of a device that only staged the bytes", async () => {
    const { client, artifact } = rig({ reads: [oldState], session: { settle: async () => "staged" } });
    expect(await client.update(device, artifact)).toMatchObject({ status: "staged" });
    const waiting = rig({
      reads: [oldState],
      traits: { activates: "on-request" },
      session: { activate: async () => {} },
    });
    expect(await waiting.client.update(device, artifact, { activate: false })).toMatchObject({
      status: "staged",
      receipt: { activated: false },
    });
  });

  it("does not roll back because a health check got no answer", async () => {
    const calls: string[] = [];
    const session = { rollback: async () => void calls.push("rollback") };
    const unheard = fault("deadline_exceeded", { phase: "verify" });
    const mute = rig({ reads: [oldState, newState], health: [unheard], session }, { verification: soon });
    expect(await mute.client.update(device, mute.artifact)).toMatchObject({
      status: "unknown",
      error: { code: "unverified", message: expect.stringContaining("no answer"), cause: { code: unheard.code } },
    });
    expect(calls).toEqual([]);
    const no = fault("unhealthy", { phase: "verify" });
    const cut = rig({ reads: [oldState, newState], health: [no, unheard], session }, { verification: soon });
    expect(await cut.client.update(device, cut.artifact)).toMatchObject({ error: { code: "unhealthy" } });
    expect(calls).toEqual(["rollback"]);
  });

  it("is unknown when nobody could read the device afterwards, or the caller left in between", async () => {
    const dark = rig({ reads: [oldState, fault("connect_failed")] }, { verification: { deadline: 10_000 } });
    expect(await dark.client.update(device, dark.artifact)).toMatchObject({
      status: "unknown",
      error: { code: "unverified" },
      receipt: { bytes: 4 },
    });
    const aborter = new AbortController();
    const left = rig({
      reads: [oldState],
      sends: [
        () => {
          aborter.abort();
          throw fault("aborted", { bytesOut: "some" });
        },
      ],
    });
    expect(await left.client.update(device, left.artifact, { signal: aborter.signal })).toMatchObject({
      status: "unknown",
      error: { code: "aborted" },
    });
    const early = rig({ reads: [oldState], sends: [fault("aborted")] });
    expect(await early.client.update(device, early.artifact)).toMatchObject({
      status: "failed",
      error: { code: "aborted" },
    });
  });
});

describe("with a registry", () => {
  const registered = { ...device, profileId: "p", status: "unknown", createdAt: 0, updatedAt: 0, revision: 1 } as const;
  function registry(over: { fail?: "get" | "observe" | "refuse"; profile?: boolean; row?: object } = {}) {
    const observed: unknown[] = [];
    return {
      observed,
      devices: {
        getMany: async (ids: readonly string[]) => {
          if (over.fail === "get") throw new Error("disk");
          return new Map(ids.filter((id) => id === "d1").map((id) => [id, { ...registered, ...over.row }]));
        },
        observe: async (rows: readonly unknown[]) => {
          if (over.fail === "observe") throw new Error("disk");
          observed.push(...rows);
          return { unknown: [], invalid: over.fail === "refuse" ? ["d1"] : [] };
        },
      },
      profiles: {
        resolveMany: async () => new Map(over.profile === false ? [] : [["d1", { health: false } as const]]),
      },
    };
  }

  it("finds a device by its id and records what it saw", async () => {
    const kept = registry();
    const { client, artifact } = rig({ reads: [oldState, newState] }, { registry: kept });
    expect(await client.update("d1", artifact)).toMatchObject({ status: "updated" });
    expect(kept.observed).toEqual([
      expect.objectContaining({
        id: "d1",
        firmware: "2.0.0",
        status: "online",
        evidence: expect.objectContaining({ proved: "version" }),
      }),
    ]);
  });

  it("records what a failed update saw, too", async () => {
    const kept = registry();
    const { client, artifact } = rig({ reads: [oldState] }, { registry: kept, verification: { deadline: 5_000 } });
    expect(await client.update("d1", artifact)).toMatchObject({ status: "failed" });
    expect(kept.observed).toEqual([expect.not.objectContaining({ evidence: expect.anything() })]);
    expect(kept.observed).toEqual([expect.objectContaining({ firmware: "1.0.0" })]);
  });

  it.each(["observe", "refuse"] as const)(
    "says unknown when what was seen could not be recorded (%s)",
    async (fail) => {
      const { client, artifact } = rig({ reads: [oldState, newState] }, { registry: registry({ fail }) });
      expect(await client.update("d1", artifact)).toMatchObject({
        status: "unknown",
        error: { code: "registry_failed" },
        receipt: { bytes: 4 },
      });
    },
  );

  it("keeps the update's own error beside the registry's", async () => {
    const { client } = rig({ reads: [oldState] }, { registry: registry({ fail: "observe" }), verification: soon });
    expect(await client.update("d1", fakeArtifact())).toMatchObject({
      status: "unknown",
      attempts: 1,
      error: {
        code: "registry_failed",
        message: expect.stringContaining("failed (not_updated)"),
        cause: { errors: [{ code: "not_updated" }, { message: "disk" }] },
      },
    });
  });

  it.each([
    ["an unknown id", "d2", registry(), "unknown_device"],
    ["a registry that fails", "d1", registry({ fail: "get" }), "registry_failed"],
    ["a profile that is gone", "d1", registry({ profile: false }), "invalid_profile"],
    ["no registry", "d1", undefined, "no_registry"],
    ["a row without an address", "d1", registry({ row: { address: null } }), "invalid_option"],
    ["a row whose site is no text", "d1", registry({ row: { site: 7 } }), "invalid_option"],
    ["a row of another device", "d1", registry({ row: { id: "d2" } }), "registry_failed"],
  ] as const)("refuses %s before anything is sent", async (_what, id, kept, code) => {
    const { client, artifact, fake } = rig({}, kept && { registry: kept });
    await expect(client.push(id, artifact)).rejects.toMatchObject({ code });
    expect(fake.calls).toEqual([]);
  });
});
