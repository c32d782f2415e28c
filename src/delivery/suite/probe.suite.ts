import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import type { Step } from "../../core/delivery.ts";
import { startBait } from "./bait.suite.ts";
import type { DeliverySuiteOptions, RigFault } from "./rig.suite.ts";
import { needs } from "./skip.suite.ts";
import { Trial } from "./trial.suite.ts";

const step = (): Step => ({ deadline: systemClock.now() + 10_000 });

const unreadable: readonly (readonly [what: string, fault: RigFault])[] = [
  ["nothing", { kind: "body", body: "" }],
  ["garbage", { kind: "body", body: "<html><h1>It works!</h1>" }],
  ["half an answer", { kind: "body", body: '{"version":"1.' }],
  ["another type", { kind: "body", body: '{"version":{"major":1}}' }],
  ["a list", { kind: "body", body: "[]" }],
  ["a version that steers a terminal", { kind: "body", body: '{"version":"1.0.0\\u001b[2J"}' }],
  ["a version without end", { kind: "body", body: `{"version":"${"9".repeat(4096)}"}` }],
  ["a prototype", { kind: "body", body: '{"__proto__":{"version":"1.0.0"}}' }],
  ["more than is looked at", { kind: "oversize", bytes: 100_000 }],
];

/** What a probe tells of a device, and what it does not believe. */
export function testProbe(options: DeliverySuiteOptions): void {
  describe("reading", () => {
    it("tells what the device runs", async () => {
      await using trial = await Trial.start(options);
      const state = await trial.probe().inspect(step());
      expect(state).toMatchObject({ version: "1.0.0", readAt: expect.any(Number) });
      expect(options.identities ?? ["address", "reported-id"]).toContain(state.identity);
    });

    it("reads anew each time, over one connection", async () => {
      await using trial = await Trial.start(options);
      const probe = trial.probe();
      for (let times = 0; times < 5; times++) await probe.inspect(step());
      expect(trial.rig.requests()).toBeGreaterThanOrEqual(5);
      expect(trial.rig.connections()).toBe(1);
    });

    it("tells the new version once it runs", async () => {
      await using trial = await Trial.start(options);
      const probe = trial.probe();
      const artifact = await trial.open(options.firmware("2.0.0"));
      const session = trial.bind();
      const acknowledgement = await session.send(artifact.payload, trial.step());
      const receipt = trial.receipt(artifact, acknowledgement);
      await session.settle?.(receipt, step());
      await session.activate?.(receipt, step());
      await trial.until(async () => (await probe.inspect(step()).catch(() => undefined))?.version === "2.0.0");
      const state = await probe.inspect(step());
      expect(state.version).toBe("2.0.0");
      if (probe.proves === "digest") expect(state.digest).toBe(artifact.digest);
    });

    it.for(unreadable)("does not believe %s", async ([, fault], test) => {
      needs(test, options, fault.kind);
      await using trial = await Trial.start(options);
      trial.rig.fault("inspect", fault);
      const error = { code: "unreadable_state", phase: "inspect" };
      await expect(trial.probe().inspect(step())).rejects.toMatchObject(error);
      expect(await trial.probe().inspect(step())).toMatchObject({ version: "1.0.0" });
    });

    it("gives up on an answer beyond every cap", async (test) => {
      needs(test, options, "oversize");
      await using trial = await Trial.start(options);
      trial.rig.fault("inspect", { kind: "oversize", bytes: 8_388_608 });
      await expect(trial.probe().inspect(step())).rejects.toMatchObject({ code: "reply_too_large" });
    });

    it.for([
      [401, "refused"],
      [403, "refused"],
      [404, "refused"],
      [503, "device_busy"],
      [500, "device_error"],
    ] as const)("%d is %s", async ([status, code], test) => {
      needs(test, options, "status");
      await using trial = await Trial.start(options);
      trial.rig.fault("inspect", { kind: "status", status });
      await expect(trial.probe().inspect(step())).rejects.toMatchObject({ code, phase: "inspect" });
    });

    it("never follows a redirect", async (test) => {
      needs(test, options, "status");
      await using bait = await startBait();
      await using trial = await Trial.start(options);
      trial.rig.fault("inspect", { kind: "status", status: 302, headers: { location: bait.url } });
      await expect(trial.probe().inspect(step())).rejects.toMatchObject({ code: "redirected" });
      expect(bait.connections()).toBe(0);
    });

    it("ends with the caller's signal and deadline", async (test) => {
      needs(test, options, "silence");
      await using trial = await Trial.start(options);
      const probe = trial.probe();
      await expect(probe.inspect({ ...step(), signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "aborted",
      });
      trial.rig.fault("inspect", { kind: "silence" });
      const late = { deadline: systemClock.now() + 300 };
      await expect(probe.inspect(late)).rejects.toMatchObject({ code: "deadline_exceeded" });
    });
  });

  describe("health", () => {
    it("is quiet about a device that is well", async (test) => {
      needs(test, options, "health");
      await using trial = await Trial.start(options);
      await trial.probe().health?.(step());
      expect(trial.rig.requests()).toBe(1);
    });

    it.for([500, 503, 404, 307])("%d is unhealthy", async (status, test) => {
      needs(test, options, "health", "status");
      await using trial = await Trial.start(options);
      trial.rig.fault("health", { kind: "status", status });
      await expect(trial.probe().health?.(step())).rejects.toMatchObject({ code: "unhealthy", phase: "verify" });
    });
  });
}
