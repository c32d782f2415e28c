import { describe, expect, it } from "vitest";
import type { DeviceState } from "../core/outcome.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { device, fakeArtifact, fault, lost, newState, oldState, type Play, rig, tokenAt } from "./fakes/index.ts";

const cut = fault("connection_lost", { bytesOut: "some" });
const aborted = fault("aborted", { phase: "inspect" });
const twoTries = { retry: { attempts: 2 } };

describe("nothing is sent that could not be proven", () => {
  it("asks who answers before the first byte, also when forced", async () => {
    const { client, artifact, fake } = rig({ reads: [{ ...newState, deviceId: "d9" }] });
    expect(await client.update(device, artifact, { force: true })).toMatchObject({
      status: "failed",
      error: { code: "wrong_device" },
    });
    expect(fake.steps).toHaveLength(0);
  });

  it("refuses an artifact without a version for a device without a digest", async () => {
    const { client, fake } = rig({ reads: [oldState] });
    expect(await client.update(device, fakeArtifact(""))).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "no_version" },
    });
    expect(fake.steps).toHaveLength(0);
  });

  it("waits for the digest of a device that leaves it out while it restarts", async () => {
    const old = { ...oldState, digest: "b".repeat(64) };
    const { client } = rig({
      reads: [old, { ...oldState, version: "loader" }, { ...newState, digest: "a".repeat(64) }],
    });
    expect(await client.update(device, fakeArtifact(""))).toMatchObject({
      status: "updated",
      evidence: { proved: "digest" },
    });
  });
});

describe("a lost answer is not an arrival", () => {
  it.each([
    ["a forced update over the same version", [newState], {}],
    [
      "a boot of the same image while bytes were out",
      [
        { ...newState, uptime: 90 },
        { ...newState, uptime: 0 },
      ],
      {},
    ],
  ] as const)("%s", async (_what, reads, options) => {
    const { client, artifact } = rig({ reads, sends: [cut] }, { ...twoTries, ...options });
    const outcome = await client.update(device, artifact, { force: true });
    expect(outcome).toMatchObject({ status: expect.stringMatching(/failed|unknown/) });
    expect("receipt" in outcome).toBe(false);
  });

  it("is neither sent again nor taken for arrived where an uptime cannot tell whether the device restarted into it", async () => {
    const young: Play<typeof newState, unknown> = () => {
      const now = rigged.clock.wall();
      return { ...newState, uptime: Math.floor((now - begun) / 1_000), readAt: now };
    };
    const rigged = rig({ reads: [young], sends: [lost] });
    const begun = rigged.clock.wall();
    await expect(rigged.client.push(device, rigged.artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
    expect(rigged.fake.steps).toHaveLength(1);
  });

  it("pushes again to a device that ran this version before any attempt was whole", async () => {
    const { client, artifact } = rig({ reads: [newState], sends: [cut, { status: 200, bytes: 4 }] });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 2, acknowledgedBy: "reply" });
  });

  it("takes a digest, or a version that changed, for an arrival", async () => {
    const digest = "a".repeat(64);
    const { client, artifact } = rig({ reads: [{ ...newState, digest }], sends: [cut] });
    expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "readback" });
    const changed = rig({ reads: [oldState, newState], sends: [lost] });
    expect(await changed.client.update(device, artifact)).toMatchObject({ status: "updated" });
  });

  it("is unknown when the last attempts met a device that may be restarting into an earlier one", async () => {
    const { client, artifact } = rig({ reads: [oldState], sends: [lost, fault("connect_failed")] });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      error: { code: "outcome_unknown", cause: { code: "connect_failed" } },
    });
    const idle = rig({ reads: [oldState], sends: [lost] }, twoTries);
    expect(await idle.client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: { code: "connection_lost" },
    });
  });

  it("is unknown when the last of repeatable attempts was lost and nothing can be read", async () => {
    const { client, artifact } = rig({ sends: [lost], traits: { repeat: "idempotent" } }, twoTries);
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
  });

  it("reads the device when the last attempt of a resumable upload was lost", async () => {
    const { client, artifact, fake } = rig(
      {
        reads: [newState],
        traits: { resumable: true },
        sends: [
          async (step) => {
            await step.onResumable?.(tokenAt(0));
            throw lost;
          },
          fault("connect_failed"),
        ],
      },
      twoTries,
    );
    expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "readback", attempts: 2 });
    expect(fake.calls.at(-2)).toBe("inspect");
  });

  it("stops reading where a further read cannot help", async () => {
    const { client, artifact, fake } = rig({ sends: [lost], reads: [fault("pin_mismatch")] });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      message: expect.stringContaining("pin_mismatch"),
    });
    expect(fake.calls.filter((call) => call === "inspect")).toHaveLength(1);
  });
});

describe("a call that is cut short", () => {
  it("keeps in mind what was out when the read after a lost answer is aborted", async () => {
    const { client, artifact } = rig({ sends: [lost], reads: [oldState, aborted] });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      error: { code: "aborted", phase: "send", bytesOut: "all" },
    });
  });

  it("keeps it in mind through the next attempt", async () => {
    const { client, artifact } = rig({ sends: [lost, fault("aborted")], reads: [oldState] });
    expect(await client.update(device, artifact)).toMatchObject({ status: "unknown", error: { bytesOut: "all" } });
  });

  it("has failed, not become unknown, when the first read is aborted", async () => {
    const { client, artifact } = rig({ reads: [fault("aborted", { phase: "inspect", bytesOut: "all" })] });
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: { code: "aborted" } });
  });

  it("lets go of a device whose id the caller changed meanwhile", async () => {
    const mine = { id: "d1", address: "http://10.0.0.1" };
    const { client, artifact } = rig({
      sends: [
        () => {
          mine.id = "d2";
          return { status: 200, bytes: 4 };
        },
      ],
    });
    await client.push(mine, artifact);
    expect(await client.push(device, artifact)).toMatchObject({ status: 200 });
  });
});

describe("after the bytes", () => {
  const onRequest = { activates: "on-request" } as const;

  it.each(["malformed_reply", "deadline_exceeded", "stall_timeout"] as const)(
    "lets what the device runs decide when the order to install ended with %s",
    async (code) => {
      const activate = () => Promise.reject(fault(code, { phase: "activate" }));
      const { client, artifact } = rig({ reads: [oldState, newState], traits: onRequest, session: { activate } });
      expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    },
  );

  it("lets it decide when the device's own verdict was lost, but not when it was no", async () => {
    const gone = rig({ reads: [oldState, newState], session: { settle: () => Promise.reject(lost) } });
    expect(await gone.client.update(device, gone.artifact)).toMatchObject({ status: "updated" });
    const no = rig({ reads: [oldState, newState], session: { settle: () => Promise.reject(fault("device_error")) } });
    expect(await no.client.update(device, no.artifact)).toMatchObject({ status: "failed" });
  });

  it("is unknown when a device had not said by the deadline how it ended, and still runs the old version", async () => {
    const settle = () => Promise.reject(fault("deadline_exceeded", { phase: "settle", bytesOut: "all" }));
    const { client, artifact, fake } = rig({ reads: [oldState], session: { settle } });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      attempts: 1,
      error: { code: "outcome_unknown", cause: { code: "not_updated" } },
    });
    expect(fake.steps).toHaveLength(1);
    const late = rig({ reads: [oldState, newState], session: { settle } });
    expect(await late.client.update(device, late.artifact)).toMatchObject({ status: "updated" });
  });

  it("activates what a device staged", async () => {
    const calls: string[] = [];
    const session = { settle: async () => "staged" as const, activate: async () => void calls.push("activate") };
    const { client, artifact } = rig({ reads: [oldState, newState], traits: onRequest, session });
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    expect(calls).toEqual(["activate"]);
  });

  it("is unknown when a proven device was not told to keep the version", async () => {
    const commit = () => Promise.reject(fault("connect_failed", { phase: "connect" }));
    const { client, artifact } = rig({ reads: [oldState, newState], session: { commit } });
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      receipt: { bytes: 4 },
      error: { code: "outcome_unknown", phase: "commit", cause: { code: "connect_failed" } },
    });
    const left = rig({ reads: [oldState, newState], session: { commit: () => Promise.reject(fault("aborted")) } });
    expect(await left.client.update(device, artifact)).toMatchObject({ status: "unknown", error: { code: "aborted" } });
  });

  it("says that the device is not well, also when it could not be told to go back", async () => {
    const rollback = () => Promise.reject(lost);
    const { client, artifact } = rig(
      { reads: [oldState, newState], health: [fault("unhealthy", { phase: "verify" })], session: { rollback } },
      { verification: { deadline: 20_000 } },
    );
    expect(await client.update(device, artifact)).toMatchObject({
      status: "failed",
      error: { code: "unhealthy", message: expect.stringContaining("could not be told to go back (connection_lost)") },
    });
  });

  it("is unknown when the device fell silent after it last showed the old version", async () => {
    const { client, artifact } = rig(
      { reads: [oldState, oldState, fault("connect_failed")] },
      { verification: { deadline: 60_000 } },
    );
    expect(await client.update(device, artifact)).toMatchObject({
      status: "unknown",
      error: { code: "unverified", message: expect.stringContaining("fell silent") },
    });
  });

  it("keeps its outcome when a session cannot be closed or an adapter throws a stray exception", async () => {
    const close = () => Promise.reject(new Error("bug"));
    const { client, artifact } = rig({ reads: [oldState, newState], session: { close } });
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    expect(await client.push(device, artifact)).toMatchObject({ status: 200 });
    const stray = rig({ reads: [oldState, new RangeError("bug")] });
    expect(await stray.client.update(device, artifact)).toMatchObject({
      status: "unknown",
      receipt: { bytes: 4 },
      error: { code: "outcome_unknown", cause: expect.any(RangeError) },
    });
  });

  it.each([
    ["an uptime that falls", (read: number): Partial<DeviceState> => ({ uptime: [5, 3, 1, 2][read] ?? 10 })],
    ["a slot that changes", (read: number): Partial<DeviceState> => ({ bootId: "b", slot: read === 1 ? "A" : "B" })],
  ])("begins to count anew after %s", async (_what, over) => {
    let read = 0;
    const { client, artifact } = rig({ reads: [() => ({ ...newState, ...over(read++) })] });
    expect(await client.verify(device, artifact)).toMatchObject({ reads: 4 });
  });

  it("looks in between at a device that tells nothing of its boots", async () => {
    const clock = createVirtualClock({ auto: true });
    const flapping = () => (clock.now() > 1_000 && clock.now() < 4_000 ? oldState : newState);
    const { client, artifact } = rig({ reads: [flapping] }, { clock });
    await client.verify(device, artifact);
    expect(clock.now()).toBeGreaterThanOrEqual(9_000);
  });

  it("waits no longer than a timer can", async () => {
    expect(() => rig({}, { clock: createVirtualClock(), retry: { base: 2 ** 31 } })).toThrow(/retry.base/);
  });
});
