import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { startBait } from "./bait.suite.ts";
import type { DeliverySuiteOptions } from "./rig.suite.ts";
import { needs } from "./skip.suite.ts";
import { largerThanBuffers, Trial } from "./trial.suite.ts";

/** What a status comes to, whatever the protocol. */
export const byStatus = [
  [400, "refused"],
  [401, "refused"],
  [403, "refused"],
  [404, "refused"],
  [405, "refused"],
  [409, "refused"],
  [413, "refused"],
  [415, "refused"],
  [408, "device_busy"],
  [429, "device_busy"],
  [503, "device_busy"],
  [500, "device_error"],
  [502, "device_error"],
  [504, "device_error"],
  [307, "redirected"],
] as const;

/** What a delivery makes of a device that does not go along. */
export function testFaults(options: DeliverySuiteOptions): void {
  describe("answers that are no acknowledgement", () => {
    const told = byStatus.map(([status, code]) => [status, options.statuses?.[status] ?? code] as const);
    it.for(told)("%d after the body is %s", async ([status, code], test) => {
      needs(test, options, "status");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status, headers: { "retry-after": "7" } });
      const error = await trial.failure(70_000);
      expect(error).toMatchObject({ code, bytesOut: "all", phase: "send", reply: { status, retryAfter: 7_000 } });
    });

    it.for([...options.traits.refusals])(
      "%d before the body ends the send and changes nothing",
      async (status, test) => {
        needs(test, options, "status", "early");
        await using trial = await Trial.start(options);
        const before = trial.rig.running();
        trial.rig.fault("send", { kind: "status", status, after: 0 });
        expect(await trial.failure(largerThanBuffers)).toMatchObject({ bytesOut: "some", reply: { status } });
        expect(trial.rig.running()).toEqual(before);
        expect(trial.rig.received().filter((reception) => reception.complete)).toEqual([]);
      },
    );

    it("200 before the whole body is no acknowledgement", async (test) => {
      needs(test, options, "status", "early");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status: 200, after: 65_536 });
      const error = await trial.failure(largerThanBuffers);
      expect(error).toMatchObject({ code: "early_reply", bytesOut: "some", retryable: true });
    });

    it("a redirect is never followed", async (test) => {
      needs(test, options, "status");
      await using bait = await startBait();
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status: 307, headers: { location: `${bait.url}/update` } });
      expect(await trial.failure(70_000)).toMatchObject({ code: "redirected", retryable: false });
      expect(bait.connections()).toBe(0);
    });

    it("an answer that is not HTTP is told as one", async (test) => {
      needs(test, options, "malformed");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "malformed" });
      expect(await trial.failure(70_000)).toMatchObject({ code: "malformed_reply", bytesOut: "all" });
    });
  });

  describe("connections that end", () => {
    it("a lost answer is told with all bytes out", async (test) => {
      needs(test, options, "cut");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "cut", at: "received" });
      expect(await trial.failure(70_000)).toMatchObject({ code: "connection_lost", bytesOut: "all" });
      expect(trial.rig.received()[0]).toMatchObject({ complete: true });
    });

    it("a body cut half-way is told with some bytes out", async (test) => {
      needs(test, options, "cut");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "cut", at: 100_000 });
      expect(await trial.failure(largerThanBuffers)).toMatchObject({ code: "connection_lost", bytesOut: "some" });
    });

    it("a device that cannot be reached is told with no bytes out", async () => {
      await using trial = await Trial.start(options);
      await trial.rig[Symbol.asyncDispose]();
      expect(await trial.failure(70_000)).toMatchObject({ code: "connect_failed", bytesOut: "none" });
    });
  });

  describe("callers that have waited enough", () => {
    it("a signal that has aborted sends nothing", async () => {
      await using trial = await Trial.start(options);
      const error = await trial.failure(70_000, { signal: AbortSignal.abort(new Error("enough")) });
      expect(error).toMatchObject({ code: "aborted", bytesOut: "none" });
      expect(trial.rig.requests()).toBe(0);
    });

    it("an abort half-way ends the send, though the device takes nothing", async (test) => {
      needs(test, options, "stop-reading");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "stop-reading", at: 65_536 });
      const controller = new AbortController();
      const onSent = (sent: number) => sent >= 131_072 && controller.abort(new Error("enough"));
      const error = await trial.failure(largerThanBuffers, { signal: controller.signal, onSent });
      expect(error).toMatchObject({ code: "aborted", bytesOut: "some" });
      expect(trial.transport.statistics().connections).toBe(0);
    });

    it("an abort while the answer is awaited ends the send with all bytes out", async (test) => {
      needs(test, options, "silence");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "silence" });
      const controller = new AbortController();
      const failure = trial.failure(70_000, { signal: controller.signal });
      await trial.until(() => trial.rig.received().some((reception) => reception.complete));
      controller.abort();
      expect(await failure).toMatchObject({ code: "aborted", bytesOut: "all" });
    });

    it("a deadline ends the send, half-way and while the answer is awaited", async (test) => {
      needs(test, options, "stop-reading", "silence");
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "stop-reading", at: 65_536 });
      trial.rig.fault("send", { kind: "silence" });
      const soon = () => ({ deadline: systemClock.now() + 500 });
      expect(await trial.failure(largerThanBuffers, soon)).toMatchObject({
        code: "deadline_exceeded",
        bytesOut: "some",
      });
      expect(await trial.failure(70_000, soon)).toMatchObject({ code: "deadline_exceeded", bytesOut: "all" });
    });
  });
}
