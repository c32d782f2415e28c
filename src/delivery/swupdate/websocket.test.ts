import { describe, expect, it } from "vitest";
import { startSwupdate } from "../../../mocks/index.ts";
import { until } from "../../../mocks/until.ts";
import type { ClientEvent } from "../../index.ts";
import { clientFor, firmware, readable, unread, uploads } from "./stage.suite.ts";

describe("what the websocket says decides", () => {
  it("SUCCESS: on to verification", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 200, acknowledgedBy: "reply" },
    });
    await until(() => device.listeners === 0);
    expect(uploads(device)[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
  });

  it.each([
    ["200", "failure", undefined],
    ["a reset in the middle", "unfit", 50_000],
  ] as const)("FAILURE and %s: certain, without a second upload", async (_, ends, at) => {
    await using device = await startSwupdate();
    device.play({ ends, complaint: "bad\u001b[2J\u0000\u202e image" });
    if (at !== undefined) device.script({ on: "update", fault: { kind: "cut", at } });
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({ status: "failed", attempts: 1, error: { code: "device_error", phase: "settle" } });
    if (outcome.status !== "failed") return;
    expect(outcome.error.reply?.excerpt).toBe("bad [2J  image; Image invalid or corrupted. Not installing ...");
    expect(outcome.error.message).not.toContain("bad");
    expect(uploads(device)).toHaveLength(1);
    expect(await client.inspect(readable(device))).toMatchObject({ version: "1.0.0" });
  });

  it("a push learns of a failure only where the answer does not tell", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    device.play({ ends: "failure" }, { ends: "failure" });
    expect(await client.push(unread(device), artifact)).toMatchObject({ status: 200 });
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    await using hasty = clientFor({}, { retry: { attempts: 1 } });
    await expect(hasty.push(unread(device), artifact)).rejects.toMatchObject({ code: "device_error", phase: "settle" });
  });

  it("SUCCESS and no answer: acknowledged by the verdict, sent once", async () => {
    await using device = await startSwupdate();
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 0, acknowledgedBy: "verdict" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("cut half-way, and the device gives up on it: sent again", async () => {
    await using device = await startSwupdate();
    device.script({ on: "update", fault: { kind: "cut", at: 100_000 } });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact)).toMatchObject({ attempts: 2, status: 200 });
    expect(device.control.received().map(({ complete }) => complete)).toEqual([false, true]);
  });

  it.each(["missed", "mute"] as const)("no verdict (%s): what it runs decides", async (ends) => {
    await using device = await startSwupdate({ rebootMs: 50 });
    device.play({ ends });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "updated", attempts: 1 });
  });

  it("a verdict that never comes, and the old version: unknown, and nothing is sent again", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    await using client = clientFor({}, { verification: { deadline: 400, stableFor: 10 } });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "unknown", attempts: 1 });
    expect(uploads(device)).toHaveLength(1);
  });

  it("no answer and no verdict, while it is at work: unknown, and nothing is sent again", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    const timeouts = { connect: 200, response: 300, minimumRate: 10_000_000 };
    await using client = clientFor({}, { timeouts });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "unknown",
      attempts: 1,
      error: { code: "outcome_unknown" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("how far the install is becomes an event", async () => {
    await using device = await startSwupdate();
    const told: ClientEvent[] = [];
    await using client = clientFor({}, { onEvent: (event) => event.type === "installing" && told.push(event) });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "updated" });
    const at = { type: "installing", device: "b1", step: 1, steps: 1 };
    expect(told).toEqual([0, 50, 100].map((percent) => ({ ...at, percent })));
  });

  it("garbage is passed over", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const noise = ["{", "", '{"type":"status","status":"SUCCESS"', "[".repeat(5_000), '{"type":"status"}', "\u0000"];
    device.device.on("received", () => noise.forEach(device.say));
    const onProgress = () => noise.forEach(device.say);
    expect(await client.update(readable(device), artifact, { onProgress })).toMatchObject({ status: "updated" });
  });

  it("the caller's signal ends the wait for it", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    await using client = clientFor();
    await using artifact = await firmware();
    const controller = new AbortController();
    device.device.on("received", () => setTimeout(() => controller.abort(), 50));
    const outcome = await client.update(readable(device), artifact, { signal: controller.signal });
    expect(outcome).toMatchObject({ status: "unknown", error: { code: "aborted" } });
    expect(client.statistics()).toMatchObject({ inFlight: 0 });
  });
});

describe("a busy device", () => {
  it("is sent none of the image", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    device.script({
      on: "update",
      fault: { kind: "status", status: 500, body: "Failed to queue command\n", afterBytes: 150, afterwards: "fin" },
    });
    await using client = clientFor({}, { retry: { attempts: 1 } });
    await using artifact = await firmware();
    const push = client.push(unread(device), artifact);
    await expect(push).rejects.toMatchObject({ code: "device_busy", bytesOut: "none" });
    await until(() => device.control.received().length > 0);
    expect(device.control.received()).toMatchObject([{ complete: false, bytes: 0 }]);
  });

  it("is tried again once it may be free", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact)).toMatchObject({ attempts: 2 });
  });

  it("that was heard at another update is not even asked", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    await using client = clientFor(
      {},
      {
        // Time for the word to arrive before the next attempt.
        retry: { attempts: 3, busyBase: 100, cap: 100 },
        onEvent: (event) => {
          if (event.type === "attempt-failed" && event.attempt === 1) device.say({ type: "status", status: "START" });
        },
      },
    );
    await using artifact = await firmware();
    await expect(client.push(unread(device), artifact)).rejects.toMatchObject({ code: "device_busy", attempt: 3 });
    expect(uploads(device)).toHaveLength(1);
  });
});
