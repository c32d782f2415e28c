import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { startBait } from "./bait.suite.ts";
import { byStatus } from "./fault.suite.ts";
import type { DeliverySuiteOptions } from "./rig.suite.ts";
import { largerThanBuffers, Trial } from "./trial.suite.ts";

/** What a delivery makes of a device that is told to fetch and does not go along. Its errors speak of the artifact. */
export function testFetching(options: DeliverySuiteOptions): void {
  describe("orders that are refused", () => {
    const told = byStatus.map(([status, code]) => [status, options.statuses?.[status] ?? code] as const);
    it.for(told)("%d is %s, with no byte out", async ([status, code]) => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status, headers: { "retry-after": "7" } });
      const error = await trial.failure(70_000);
      expect(error).toMatchObject({ code, bytesOut: "none", phase: "send", reply: { status, retryAfter: 7_000 } });
      expect(trial.rig.received()).toEqual([]);
    });

    it.for([...options.traits.refusals])("%d changes nothing", async (status) => {
      await using trial = await Trial.start(options);
      const before = trial.rig.running();
      trial.rig.fault("send", { kind: "status", status });
      expect(await trial.failure(70_000)).toMatchObject({ bytesOut: "none", reply: { status } });
      expect([trial.rig.running(), trial.rig.received()]).toEqual([before, []]);
    });

    it("a redirect is never followed", async () => {
      await using bait = await startBait();
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status: 307, headers: { location: `${bait.url}/update` } });
      expect(await trial.failure(70_000)).toMatchObject({ code: "redirected", bytesOut: "none", retryable: false });
      expect(bait.connections()).toBe(0);
    });

    it("a device that cannot be reached is told with no bytes out", async () => {
      await using trial = await Trial.start(options);
      await trial.rig[Symbol.asyncDispose]();
      expect(await trial.failure(70_000)).toMatchObject({
        ...{ code: "connect_failed", bytesOut: "none", phase: "connect" },
      });
    });
  });

  describe("orders that are refused while they are followed", () => {
    // One of each kind: final, for now, to be read, and elsewhere.
    const told = byStatus.filter(([status]) => [403, 503, 500, 307].includes(status));
    const asked = told.map(([status, code]) => [status, options.statuses?.[status] ?? code] as const);
    it.for(asked)("%d once all was fetched is %s, with all bytes out", async ([status, code]) => {
      await using trial = await Trial.start(options);
      const before = trial.rig.running();
      trial.rig.fault("send", { kind: "status", status, after: 70_000, headers: { "retry-after": "7" } });
      const error = await trial.failure(70_000);
      expect(error).toMatchObject({ code, bytesOut: "all", phase: "send", reply: { status, retryAfter: 7_000 } });
      expect([trial.rig.running(), trial.rig.received().map(({ length }) => length)]).toEqual([before, [70_000]]);
    });

    it.for(asked)("%d half-way is %s, with some bytes out", async ([status, code]) => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "status", status, after: 100_000 });
      const error = await trial.failure(largerThanBuffers);
      expect(error).toMatchObject({ code, bytesOut: "some", phase: "send", reply: { status } });
    });
  });

  describe("orders whose answer is lost", () => {
    it.for([
      ["lost", { kind: "cut", at: "received" }],
      ["not HTTP", { kind: "malformed" }],
    ] as const)("%s: all the bytes that were fetched are the acknowledgement", async ([, fault]) => {
      await using trial = await Trial.start(options);
      const artifact = await trial.open(300_000);
      trial.rig.fault("send", fault);
      expect(await trial.bind().send(artifact.payload, trial.step())).toEqual({ status: 0, bytes: 300_000 });
      await trial.until(() => trial.rig.received().length === 1);
      expect(trial.rig.received()[0]).toMatchObject({ digest: artifact.digest, complete: true });
    });
  });

  describe("fetches that end early", () => {
    it("a fetch that never begins names where it was to go, and not the URL", async () => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "silence" });
      const { code, bytesOut, retryable, message } = await trial.failure(70_000);
      expect({ code, bytesOut, retryable }).toEqual({ code: "not_fetched", bytesOut: "none", retryable: true });
      expect(message).toMatch(/https?:\/\/127\.0\.0\.1:\d+[^/]/);
      expect(message).not.toMatch(/[\w-]{40}/);
    });

    it("a fetch cut half-way for good is told with some bytes out", async () => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "cut", at: 100_000 });
      expect(await trial.failure(largerThanBuffers)).toMatchObject({ code: "connection_lost", bytesOut: "some" });
      expect(trial.rig.received()[0]).toMatchObject({ length: 100_000, complete: false });
    });
  });

  describe("callers that have waited enough", () => {
    it("a signal that has aborted sends nothing", async () => {
      await using trial = await Trial.start(options);
      const error = await trial.failure(70_000, { signal: AbortSignal.abort(new Error("enough")) });
      expect(error).toMatchObject({ code: "aborted", bytesOut: "none" });
      expect(trial.rig.requests()).toBe(0);
    });

    it("an abort half-way ends the send, though the device takes nothing", async () => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "stop-reading", at: 65_536 });
      const controller = new AbortController();
      const onSent = (sent: number) => sent >= 131_072 && controller.abort(new Error("enough"));
      const error = await trial.failure(largerThanBuffers, { signal: controller.signal, onSent });
      expect(error).toMatchObject({ code: "aborted", bytesOut: "some" });
    });

    it("an abort before the device has fetched anything", async () => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "silence" });
      const controller = new AbortController();
      const failure = trial.failure(70_000, { signal: controller.signal });
      await trial.until(() => trial.rig.requests() >= 1);
      controller.abort();
      expect(await failure).toMatchObject({ code: "aborted", bytesOut: "none" });
    });

    it("a deadline ends the send, before the fetch and half-way", async () => {
      await using trial = await Trial.start(options);
      trial.rig.fault("send", { kind: "silence" });
      trial.rig.fault("send", { kind: "stop-reading", at: 65_536 });
      const soon = () => ({ deadline: systemClock.now() + 500 });
      expect(await trial.failure(70_000, soon)).toMatchObject({ code: "deadline_exceeded", bytesOut: "none" });
      expect(await trial.failure(largerThanBuffers, soon)).toMatchObject({
        code: "deadline_exceeded",
        bytesOut: "some",
      });
    });
  });
}
