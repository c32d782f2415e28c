import { describe, expect, it } from "vitest";
import type { ClientEvent } from "../core/events.ts";
import type { DeviceOutcome } from "../core/outcome.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { createClient } from "./client.ts";
import {
  device,
  type FakeDeliveryOptions,
  fakeArtifact,
  fakeDelivery,
  fault,
  newState,
  oldState,
} from "./fakes/index.ts";
import type { ClientOptions } from "./options.ts";

function rig(delivery: FakeDeliveryOptions = {}, options: ClientOptions = {}) {
  const clock = createVirtualClock({ auto: true });
  const fake = fakeDelivery(delivery);
  const events: ClientEvent[] = [];
  const client = createClient({ clock, random: () => 0.5, onEvent: (event) => events.push(event), ...options }, [fake]);
  return { clock, fake, events, client, artifact: fakeArtifact() };
}

const lost = fault("connection_lost", { bytesOut: "all" });

describe("push", () => {
  it("sends once and says what was acknowledged", async () => {
    const { client, artifact, fake, events } = rig();
    const receipt = await client.push(device, artifact);
    expect(receipt).toMatchObject({
      device: "d1",
      origin: "http://10.0.0.1",
      delivery: "fake",
      attempts: 1,
      bytes: 4,
      status: 200,
      acknowledgedBy: "reply",
      early: false,
      activated: true,
      artifact: artifact.ref,
    });
    expect(JSON.parse(JSON.stringify(receipt))).toEqual(receipt);
    expect(fake.calls).toEqual(["send", "dispose"]);
    expect(events.map((event) => event.type)).toEqual(["attempt-started", "sent"]);
  });

  it("repeats what never left, with one push id and fresh attempt ids", async () => {
    const { client, artifact, fake, clock } = rig({
      sends: [fault("connect_failed"), fault("connect_timeout"), { status: 204, bytes: 4 }],
    });
    const receipt = await client.push(device, artifact);
    expect(receipt).toMatchObject({ attempts: 3, status: 204 });
    expect(new Set(fake.steps.map((step) => step.pushId)).size).toBe(1);
    expect(new Set(fake.steps.map((step) => step.attemptId)).size).toBe(3);
    expect(clock.now()).toBe(500 + 1_000);
  });

  it("gives up after the last attempt with the fault itself", async () => {
    const { client, artifact, fake } = rig({ sends: [fault("connect_failed")] }, { retry: { attempts: 2 } });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "connect_failed",
      device: "d1",
      attempt: 2,
    });
    expect(fake.steps).toHaveLength(2);
  });

  it("never repeats a refusal", async () => {
    const { client, artifact, fake } = rig({
      sends: [fault("refused", { reply: { status: 403 } })],
      reads: [oldState],
    });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "refused" });
    expect(fake.calls).toEqual(["send", "dispose"]);
  });

  it("reads once after a refusal that came while bytes were out, and says what it saw", async () => {
    const refused = fault("refused", { bytesOut: "some", reply: { status: 413 } });
    const { client, artifact, fake } = rig({ sends: [refused], reads: [oldState] });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining('version "1.0.0"'),
    });
    expect(fake.calls).toEqual(["send", "inspect", "dispose"]);
    const dark = rig({ sends: [refused], reads: [fault("connect_failed")] });
    await expect(dark.client.push(device, artifact)).rejects.toMatchObject({
      message: expect.stringContaining("could not be read afterwards (connect_failed)"),
    });
  });

  it("reads before it repeats: twice the old version, a quiet period apart", async () => {
    const { client, artifact, fake, clock } = rig({ sends: [lost, { status: 200, bytes: 4 }], reads: [oldState] });
    const receipt = await client.push(device, artifact);
    expect(receipt.attempts).toBe(2);
    expect(fake.calls).toEqual(["send", "inspect", "inspect", "send", "dispose"]);
    expect(clock.now()).toBeGreaterThanOrEqual(5_000);
  });

  it("does not repeat what a read shows to have arrived", async () => {
    const { client, artifact, fake } = rig({ sends: [lost], reads: [fault("connect_failed"), newState] });
    const receipt = await client.push(device, artifact);
    expect(receipt).toMatchObject({ acknowledgedBy: "readback", status: 0, attempts: 1, activated: true });
    expect(fake.calls.filter((call) => call === "send")).toHaveLength(1);
  });

  it("flags a 2xx that came too early", async () => {
    const { client, artifact } = rig({ sends: [fault("early_reply", { bytesOut: "some" })], reads: [newState] });
    expect(await client.push(device, artifact)).toMatchObject({ early: true, acknowledgedBy: "readback" });
  });

  it("stays unknown when nothing can be read, unless the protocol may repeat", async () => {
    const unsafe = rig({ sends: [lost, { status: 200, bytes: 4 }] });
    await expect(unsafe.client.push(device, unsafe.artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      bytesOut: "all",
      cause: expect.objectContaining({ code: "connection_lost" }),
    });
    expect(unsafe.fake.steps).toHaveLength(1);
    const idempotent = rig({ sends: [lost, { status: 200, bytes: 4 }], traits: { repeat: "idempotent" } });
    expect(await idempotent.client.push(device, idempotent.artifact)).toMatchObject({ attempts: 2 });
  });

  it("stays unknown when the device cannot be read before the deadline, or changes while it is read", async () => {
    const dark = rig({ sends: [lost], reads: [fault("connect_failed")] }, { verification: { deadline: 10_000 } });
    await expect(dark.client.push(device, dark.artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      message: expect.stringContaining("connect_failed"),
    });
    let boots = 0;
    const restless = rig(
      { sends: [lost], reads: [() => ({ ...oldState, bootId: String(boots++) })] },
      { verification: { deadline: 60_000 } },
    );
    await expect(restless.client.push(device, restless.artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
    expect(restless.fake.steps).toHaveLength(1);
  });

  it("goes on where a resumable upload broke, without asking the device's version", async () => {
    const token = {
      delivery: "fake",
      device: "d1",
      origin: "http://10.0.0.1",
      digest: "a".repeat(64),
      length: 4,
      state: { url: "/u/1" },
    };
    const { client, artifact, fake } = rig({
      sends: [
        async (step) => {
          await step.onResumable?.(token);
          throw lost;
        },
        { status: 204, bytes: 4 },
      ],
      reads: [oldState],
      traits: { resumable: true },
    });
    await client.push(device, artifact);
    expect(fake.steps.map((step) => step.resume)).toEqual([undefined, token]);
    expect(fake.calls).not.toContain("inspect");
  });

  it("treats an adapter's stray exception as unknown, never as a reason to repeat", async () => {
    const { client, artifact, fake } = rig({ sends: [new RangeError("bug")], traits: { repeat: "idempotent" } });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      cause: expect.any(RangeError),
    });
    expect(fake.steps).toHaveLength(1);
  });

  it("activates a device that installs on request, unless told not to; a lost answer is no failure", async () => {
    const activate = async () => {
      throw lost;
    };
    const asked = rig({ traits: { activates: "on-request" }, session: { activate } });
    expect(await asked.client.push(device, asked.artifact)).toMatchObject({ activated: true });
    expect(await asked.client.push(device, asked.artifact, { activate: false })).toMatchObject({ activated: false });
    const refusing = rig({
      traits: { activates: "on-request" },
      session: { activate: async () => Promise.reject(fault("refused")) },
    });
    await expect(refusing.client.push(device, refusing.artifact)).rejects.toMatchObject({ code: "refused" });
  });

  it("reports progress per attempt, never backwards", async () => {
    const seen: [number, number][] = [];
    const { client, artifact } = rig({
      sends: [
        (step) => {
          step.onSent?.(2);
          step.onSent?.(1);
          throw fault("connect_failed");
        },
        (step) => {
          step.onSent?.(4);
          return { status: 200, bytes: 4 };
        },
      ],
    });
    await client.push(device, artifact, { onProgress: ({ attempt, sent }) => seen.push([attempt, sent]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 4],
    ]);
  });

  it("allows one attempt per device at a time, and as many devices as the limit", async () => {
    let inside = 0;
    let most = 0;
    const { client, artifact, clock } = rig(
      {
        sends: [
          async () => {
            most = Math.max(most, ++inside);
            await clock.sleep(10);
            inside--;
            return { status: 200, bytes: 4 };
          },
        ],
      },
      { limits: { inFlight: 2 } },
    );
    const first = client.push(device, artifact);
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "attempt_in_flight", retryable: true });
    await first;
    await Promise.all([1, 2, 3, 4, 5].map((n) => client.push({ id: `n${n}`, address: "http://10.0.0.1" }, artifact)));
    expect(most).toBe(2);
  });
});

describe("aborting and closing", () => {
  it("sends nothing when the signal aborted before", async () => {
    const { client, artifact, fake } = rig();
    const reason = new Error("enough");
    await expect(client.push(device, artifact, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: "aborted",
      cause: reason,
    });
    expect(fake.calls).toEqual([]);
  });

  it("ends a backoff at once", async () => {
    const aborter = new AbortController();
    const { client, artifact } = rig(
      { sends: [fault("connect_failed")] },
      {
        clock: createVirtualClock(),
        onEvent: (event) => event.type === "attempt-failed" && queueMicrotask(() => aborter.abort()),
      },
    );
    await expect(client.push(device, artifact, { signal: aborter.signal })).rejects.toMatchObject({
      code: "aborted",
      phase: "send",
    });
  });

  it("ends a wait for a place at once", async () => {
    const aborter = new AbortController();
    const held = Promise.withResolvers<{ status: number; bytes: number }>();
    const { client, artifact } = rig({ sends: [() => held.promise] }, { limits: { inFlight: 1 } });
    const first = client.push(device, artifact);
    const second = client.push({ ...device, id: "d2" }, artifact, { signal: aborter.signal });
    const third = client.push({ ...device, id: "d3" }, artifact);
    aborter.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    held.resolve({ status: 200, bytes: 4 });
    await Promise.all([first, third]);
  });

  it("closes: waits end, later calls are refused", async () => {
    const { client, artifact } = rig({ sends: [fault("connect_failed")] }, { clock: createVirtualClock() });
    const pushing = client.push(device, artifact);
    const refused = expect(pushing).rejects.toMatchObject({ code: "client_closed" });
    await new Promise(setImmediate);
    await client.close();
    await refused;
    await client.close();
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "client_closed" });
  });
});

describe("verify", () => {
  it("is proven by reads that span the stable time", async () => {
    const { client, artifact, fake } = rig({ reads: [fault("connect_failed"), newState], health: [{}] });
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
    await expect(nameless.client.verify({ ...device, id: "d2" }, artifact, { since: receipt })).rejects.toMatchObject({
      code: "invalid_option",
    });
  });
});

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
    expect(fake.calls).toEqual(["inspect", "send", "inspect", "inspect", "dispose"]);
    expect(events.map((event) => event.type)).toEqual([
      "attempt-started",
      "read",
      "read",
      "verified",
      "sent",
      "outcome",
    ]);
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
    expect(await client.update(device, artifact, { force: true })).toMatchObject({ status: "updated" });
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

  it("rolls a trial back when the device is not well", async () => {
    const calls: string[] = [];
    const session = {
      commit: async () => void calls.push("commit"),
      rollback: async () => void calls.push("rollback"),
    };
    const { client, artifact } = rig(
      { reads: [oldState, newState], health: [fault("unhealthy", { phase: "verify" })], session },
      { verification: { deadline: 20_000 } },
    );
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: { code: "unhealthy" } });
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
  function registry(over: { fail?: "get" | "observe"; profile?: boolean } = {}) {
    const observed: unknown[] = [];
    return {
      observed,
      devices: {
        getMany: async (ids: readonly string[]) => {
          if (over.fail === "get") throw new Error("disk");
          return new Map(ids.filter((id) => id === "d1").map((id) => [id, registered]));
        },
        observe: async (rows: readonly unknown[]) => {
          if (over.fail === "observe") throw new Error("disk");
          observed.push(...rows);
          return { unknown: [], invalid: [] };
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

  it("says unknown when what was seen could not be recorded", async () => {
    const { client, artifact } = rig({ reads: [oldState, newState] }, { registry: registry({ fail: "observe" }) });
    expect(await client.update("d1", artifact)).toMatchObject({
      status: "unknown",
      error: { code: "registry_failed" },
      receipt: { bytes: 4 },
    });
  });

  it.each([
    ["an unknown id", "d2", registry(), "unknown_device"],
    ["a registry that fails", "d1", registry({ fail: "get" }), "registry_failed"],
    ["a profile that is gone", "d1", registry({ profile: false }), "invalid_profile"],
    ["no registry", "d1", undefined, "no_registry"],
  ] as const)("refuses %s before anything is sent", async (_what, id, kept, code) => {
    const { client, artifact, fake } = rig({}, kept && { registry: kept });
    await expect(client.push(id, artifact)).rejects.toMatchObject({ code });
    expect(fake.calls).toEqual([]);
  });
});

describe("pushMany", () => {
  const fleet = Array.from({ length: 20 }, (_, n) => ({ id: `d${n}`, address: "http://10.0.0.1" }));
  const collect = async (outcomes: AsyncIterable<DeviceOutcome>) => {
    const all: DeviceOutcome[] = [];
    for await (const outcome of outcomes) all.push(outcome);
    return all;
  };

  it("yields one outcome per device, and claims no more than was seen", async () => {
    const { client, artifact } = rig({ reads: [newState] });
    const sent = await collect(client.pushMany(fleet, artifact, { verify: false }));
    expect(sent.map((outcome) => outcome.status)).toEqual(fleet.map(() => "sent"));
    expect(new Set(sent.map((outcome) => outcome.device)).size).toBe(20);
    const updated = await collect(client.pushMany(fleet, artifact, { force: true }));
    expect(updated.map((outcome) => outcome.status)).toEqual(fleet.map(() => "updated"));
  });

  it("lets each device have its own artifact and profile, and fail on its own", async () => {
    const { client, artifact } = rig();
    const profiles: unknown[] = [];
    const choose = (chosen: { id: string; profile?: unknown }) => {
      profiles.push(chosen.profile);
      if (chosen.id === "d3") throw new Error("no image for this one");
      if (chosen.id === "d4") throw fault("artifact_unreadable", { phase: "artifact" });
      return artifact;
    };
    const outcomes = await collect(
      client.pushMany([...fleet.slice(0, 5), "ghost"], choose, { verify: false, profile: () => ({ health: false }) }),
    );
    const byDevice = new Map(outcomes.map((outcome) => [outcome.device, outcome]));
    expect(byDevice.get("d3")).toMatchObject({ status: "failed", error: { code: "invalid_option", device: "d3" } });
    expect(byDevice.get("d4")).toMatchObject({
      status: "failed",
      error: { code: "artifact_unreadable", device: "d4" },
    });
    expect(byDevice.get("ghost")).toMatchObject({ status: "failed", error: { code: "no_registry" } });
    expect(outcomes.filter((outcome) => outcome.status === "sent")).toHaveLength(3);
    expect(profiles).toEqual(Array(5).fill({ health: false }));
  });

  it("aborts what is under way when the loop is left", async () => {
    const { client, artifact, fake } = rig(
      {
        sends: [
          { status: 200, bytes: 4 },
          (step) =>
            new Promise((_, reject) =>
              step.signal?.addEventListener("abort", () => reject(fault("aborted")), { once: true }),
            ),
        ],
      },
      { limits: { inFlight: 4 } },
    );
    for await (const outcome of client.pushMany(fleet, artifact, { verify: false })) {
      expect(outcome.status).toBe("sent");
      break;
    }
    expect(fake.calls.filter((call) => call === "send").length).toBe(
      fake.calls.filter((call) => call === "dispose").length,
    );
    expect(fake.steps.length).toBeLessThanOrEqual(5);
  });
});

describe("bad input", () => {
  const artifact = fakeArtifact();
  it.each([
    ["options", () => createClient(null as never, [fakeDelivery()]), "invalid_option"],
    ["attempts", () => createClient({ retry: { attempts: 0 } }, [fakeDelivery()]), "invalid_option"],
    ["a delay", () => createClient({ retry: { base: -1 } }, [fakeDelivery()]), "invalid_option"],
    ["a rate", () => createClient({ limits: { bytesPerSecond: 0 } }, [fakeDelivery()]), "invalid_option"],
    ["a flag", () => createClient({ verification: { newBoot: "yes" as never } }, [fakeDelivery()]), "invalid_option"],
    ["no deliveries", () => createClient({ deliveries: [] }, []), "invalid_option"],
    [
      "two deliveries of a kind",
      () => createClient({ deliveries: [fakeDelivery(), fakeDelivery()] }, []),
      "invalid_option",
    ],
  ] as const)("refuses %s at once", (_what, make, code) => {
    expect(make).toThrow(expect.objectContaining({ code, phase: "prepare" }));
  });

  it.each([
    ["no device", null, "invalid_option"],
    ["an id with a line break", { id: "a\nb", address: "http://10.0.0.1" }, "invalid_option"],
    ["an empty id", { id: "", address: "http://10.0.0.1" }, "invalid_option"],
    ["no address", { id: "a" }, "invalid_option"],
    ["a loopback address", { id: "a", address: "http://127.0.0.1" }, "address_denied"],
    ["an unknown delivery", { ...device, delivery: "carrier-pigeon" }, "unknown_delivery"],
    ["an unknown probe", { ...device, probe: "crystal-ball" }, "unknown_delivery"],
  ] as const)("refuses %s before anything is sent", async (_what, bad, code) => {
    const { client, fake } = rig();
    await expect(client.push(bad as never, artifact)).rejects.toMatchObject({ code });
    expect(fake.calls).toEqual([]);
  });
});
