import { describe, expect, it } from "vitest";
import type { SendStep } from "../core/delivery.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { device, fault, lost, newState, oldState, rig } from "./fakes/index.ts";

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
    expect(fake.calls).toEqual(["send", "close"]);
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
    expect(fake.calls).toEqual(["send", "close"]);
  });

  it("reads once after a refusal that came while bytes were out, and says what it saw", async () => {
    const refused = fault("refused", { bytesOut: "some", reply: { status: 413 } });
    const { client, artifact, fake } = rig({ sends: [refused], reads: [oldState] });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining('version "1.0.0"'),
    });
    expect(fake.calls).toEqual(["send", "inspect", "close"]);
    const dark = rig({ sends: [refused], reads: [fault("connect_failed")] });
    await expect(dark.client.push(device, artifact)).rejects.toMatchObject({
      message: expect.stringContaining("could not be read afterwards (connect_failed)"),
    });
  });

  it("reads before it repeats: twice the old version, a quiet period apart", async () => {
    const { client, artifact, fake, clock } = rig({ sends: [lost, { status: 200, bytes: 4 }], reads: [oldState] });
    const receipt = await client.push(device, artifact);
    expect(receipt.attempts).toBe(2);
    expect(fake.calls).toEqual(["send", "inspect", "inspect", "send", "close"]);
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

  it("says what it saw where the deadline is shorter than the quiet period, also when the end cuts off a read", async () => {
    const cutOff = fault("deadline_exceeded", { phase: "inspect" });
    for (const reads of [[oldState], [oldState, cutOff]] as const) {
      const hasty = rig({ sends: [lost], reads }, { verification: { deadline: 3_000 } });
      const pushed = hasty.client.push(device, hasty.artifact);
      await expect(pushed).rejects.toMatchObject({
        code: "outcome_unknown",
        message: expect.stringMatching(
          /showed version "1\.0\.0", but .*\(3000 ms\) was over .* quiet period \(5000 ms\)/,
        ),
      });
      await expect(pushed).rejects.not.toMatchObject({ message: expect.stringContaining("could not be read") });
      expect(hasty.fake.steps).toHaveLength(1);
    }
  });

  it("goes on where a resumable upload broke, without asking the device's version", async () => {
    const token = {
      delivery: "fake",
      device: "d1",
      origin: "http://10.0.0.1",
      digest: "a".repeat(64),
      length: 4,
      offset: 0,
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

  it("leaves a busy device alone for as long as it asked, then reads before it repeats", async () => {
    const busy = fault("device_busy", { bytesOut: "all", reply: { status: 503, retryAfter: 60_000 } });
    const times: number[] = [];
    const { client, artifact, fake, clock } = rig({
      sends: [busy, { status: 200, bytes: 4 }],
      reads: [
        () => {
          times.push(clock.now());
          return oldState;
        },
      ],
    });
    const begun = clock.now();
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 2 });
    expect(fake.calls).toEqual(["send", "inspect", "inspect", "send", "close"]);
    expect(times[0]).toBeGreaterThanOrEqual(begun + 60_000);
    const arrived = rig({ sends: [busy], reads: [newState] });
    expect(await arrived.client.push(device, arrived.artifact)).toMatchObject({ acknowledgedBy: "readback" });
    const last = rig({ sends: [busy], reads: [oldState] }, { retry: { attempts: 1 } });
    await expect(last.client.push(device, last.artifact)).rejects.toMatchObject({ code: "device_busy" });
    expect(last.clock.now()).toBeLessThan(begun + 60_000);
  });

  it("reads about what a device cannot do, and does not ask it again", async () => {
    const unable = fault("device_error", { bytesOut: "all", reply: { status: 501 } });
    const { client, artifact, fake } = rig({ sends: [unable], reads: [oldState] });
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "device_error" });
    expect(fake.calls).toEqual(["send", "inspect", "inspect", "close"]);
    const blind = rig({ sends: [unable] });
    await expect(blind.client.push(device, blind.artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
  });

  it("reads after TLS broke in the middle, also where a read breaks alike", async () => {
    const broken = fault("tls_failed", { bytesOut: "all" });
    const { client, artifact } = rig({ sends: [broken], reads: [fault("tls_failed", { phase: "inspect" }), newState] });
    expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "readback" });
  });

  it("treats an adapter's stray exception as unknown, never as a reason to repeat", async () => {
    const { client, artifact, fake } = rig({ sends: [new RangeError("bug")], traits: { repeat: "idempotent" } });
    await expect(client.push(device, artifact)).rejects.toMatchObject({
      code: "outcome_unknown",
      cause: expect.any(RangeError),
    });
    expect(fake.steps).toHaveLength(1);
  });

  it("waits for the verdict before it tells a device to restart", async () => {
    const calls: string[] = [];
    const session = {
      settle: async () => {
        calls.push("settle");
        return "installed" as const;
      },
      activate: async () => void calls.push("activate"),
    };
    const asked = rig({ traits: { activates: "on-request" }, session });
    expect(await asked.client.push(device, asked.artifact)).toMatchObject({ activated: true });
    expect(calls).toEqual(["settle", "activate"]);
    const itself = rig({ session });
    expect(await itself.client.push(device, itself.artifact)).toMatchObject({ activated: true });
    expect(calls).toEqual(["settle", "activate"]);
    const failing = rig({
      traits: { activates: "on-request" },
      session: { ...session, settle: () => Promise.reject(fault("device_error", { phase: "settle" })) },
    });
    await expect(failing.client.push(device, failing.artifact)).rejects.toMatchObject({ code: "device_error" });
    expect(calls).toEqual(["settle", "activate"]);
  });

  it("takes the device's own verdict for certain, and sends again only what did not arrive whole", async () => {
    const verdict = (retryable: boolean) => fault("device_error", { phase: "settle", bytesOut: "some", retryable });
    const whole = rig({ sends: [verdict(false)], reads: [oldState] });
    await expect(whole.client.push(device, whole.artifact)).rejects.toMatchObject({ code: "device_error", attempt: 1 });
    expect(whole.fake.calls).toEqual(["send", "inspect", "close"]);
    const blind = rig({ sends: [verdict(false)] });
    await expect(blind.client.push(device, blind.artifact)).rejects.toMatchObject({ code: "device_error" });
    const cut = rig({ sends: [verdict(true), { status: 200, bytes: 4 }] });
    expect(await cut.client.push(device, cut.artifact)).toMatchObject({ attempts: 2, acknowledgedBy: "reply" });
  });

  it("does not take a version for arrived bytes where the uptime cannot tell whether it was there before", async () => {
    // Up since about when the send began: it may have run this version all along.
    const reads = [
      (_: unknown) => ({ ...newState, readAt: clock.wall(), uptime: (clock.now() - begun + 300) / 1_000 }),
    ];
    const { client, artifact, clock } = rig({ sends: [lost], reads }, { retry: { attempts: 1 } });
    const begun = clock.now();
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
  });

  it("says whose word it was that the bytes arrived", async () => {
    const { client, artifact } = rig({ sends: [{ status: 0, bytes: 4 }] });
    expect(await client.push(device, artifact)).toMatchObject({ acknowledgedBy: "verdict", status: 0, attempts: 1 });
  });

  it("activates a device that installs on request, unless told not to; a lost answer is no failure", async () => {
    const activate = async () => {
      throw lost;
    };
    const asked = rig({ traits: { activates: "on-request" }, session: { activate } });
    // Nobody knows whether it was told, so the receipt does not say so.
    expect(await asked.client.push(device, asked.artifact)).toMatchObject({ activated: false });
    const told = rig({ traits: { activates: "on-request" }, session: { activate: async () => {} } });
    expect(await told.client.push(device, told.artifact)).toMatchObject({ activated: true });
    expect(await asked.client.push(device, asked.artifact, { activate: false })).toMatchObject({ activated: false });
    const refusing = rig({
      traits: { activates: "on-request" },
      session: { activate: async () => Promise.reject(fault("refused")) },
    });
    await expect(refusing.client.push(device, refusing.artifact)).rejects.toMatchObject({ code: "refused" });
  });

  it("says whose fault it is when onProgress throws", async () => {
    const sends = [
      (step: SendStep) => {
        step.onSent?.(2);
        return { status: 200, bytes: 4 };
      },
    ];
    const { client, artifact, fake } = rig({ sends });
    const bug = new RangeError("bug");
    const onProgress = () => {
      throw bug;
    };
    await expect(client.push(device, artifact, { onProgress })).rejects.toMatchObject({
      code: "outcome_unknown",
      message: expect.stringContaining("onProgress threw"),
      cause: bug,
    });
    expect(fake.steps).toHaveLength(1);
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

  it("hands the adapter the caller's headers, signal and rate", async () => {
    const { client, artifact, fake } = rig({}, { limits: { bytesPerSecond: 1_000_000 } });
    const { signal } = new AbortController();
    await client.push(device, artifact, { headers: { "x-ring": "canary" }, signal, bytesPerSecond: 1_000 });
    await client.push(device, artifact);
    expect(fake.steps[0]).toMatchObject({ headers: { "x-ring": "canary" }, signal });
    expect(fake.steps[0]?.pace).not.toBe(fake.steps[1]?.pace);
    expect(fake.steps[1]?.pace).toBeDefined();
    await expect(client.push(device, artifact, { bytesPerSecond: -1 })).rejects.toMatchObject({
      code: "invalid_option",
    });
  });

  it("gives each attempt the time its bytes need at the lowest rate", async () => {
    const { client, artifact, fake, clock } = rig(
      {},
      { timeouts: { connect: 1_000, response: 2_000, minimumRate: 1 } },
    );
    const began = clock.now();
    await client.push(device, artifact);
    expect(fake.steps[0]?.deadline).toBe(began + 1_000 + 4_000 + 2_000);
  });

  it("does not repeat when the read afterwards shows another device or another image", async () => {
    for (const seen of [
      { ...oldState, deviceId: "d9" },
      { ...newState, digest: "b".repeat(64) },
    ]) {
      const { client, artifact, fake } = rig({ sends: [lost], reads: [seen] });
      await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "outcome_unknown" });
      expect(fake.steps).toHaveLength(1);
    }
  });

  it("repeats over a device that already ran this version and did not restart", async () => {
    const running = { ...newState, uptime: 1_000 };
    const { client, artifact } = rig({ sends: [lost, { status: 200, bytes: 4 }], reads: [running] });
    expect(await client.push(device, artifact)).toMatchObject({ attempts: 2, acknowledgedBy: "reply" });
  });

  it("ends a read at once when the caller aborts it", async () => {
    const aborted = fault("aborted", { phase: "inspect" });
    for (const failed of [lost, fault("refused", { bytesOut: "some" })]) {
      const { client, artifact } = rig({ sends: [failed], reads: [aborted] });
      await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "aborted" });
    }
  });

  it("is not broken by an observer that throws", async () => {
    const uncaught: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    try {
      const { client, artifact } = rig(
        {},
        {
          onEvent: () => {
            throw new Error("observer");
          },
        },
      );
      expect(await client.push(device, artifact)).toMatchObject({ status: 200 });
      await new Promise(setImmediate);
      expect(uncaught).toHaveLength(2);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
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

  it("sends those away who wait for a place when it closes, and counts connections", async () => {
    const held = Promise.withResolvers<{ status: number; bytes: number }>();
    const { client, artifact } = rig({ sends: [() => held.promise] }, { limits: { inFlight: 1 } });
    const first = client.push(device, artifact);
    const { signal } = new AbortController();
    const second = expect(client.push({ ...device, id: "d2" }, artifact, { signal })).rejects.toMatchObject({
      code: "client_closed",
    });
    await new Promise(setImmediate);
    expect(client.statistics()).toMatchObject({ connections: 0, opened: 0 });
    await client[Symbol.asyncDispose]();
    await second;
    held.resolve({ status: 200, bytes: 4 });
    await first;
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
