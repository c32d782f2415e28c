import { describe, expect, it } from "vitest";
import { manualTime, startAxis, startDeviceServer, startMongooseOs } from "../mocks/index.ts";
import { axis, mongooseOs } from "../src/delivery/web-upload/index.ts";
import { type ClientEvent, openArtifact, type Profile } from "../src/index.ts";
import { fastClient } from "./kit.ts";
import { families, firmware, id, sends, soon, startOldMongooseOs, update, version } from "./web-upload-kit.ts";

describe.each(["mongoose-os", "axis"] as const)("a trial on %s", (name) => {
  const { start } = families[name];
  const profile: Profile = { health: { path: "/health" }, options: { trial: 90 } };

  it("outlives its end once it was committed", async () => {
    const clock = manualTime();
    await using server = await start({ clock });
    let onTrial: boolean | undefined;
    const onEvent = (event: ClientEvent) => {
      if (event.type === "verified") onTrial = server.device.onTrial;
    };
    expect(await update(server, name, { profile, onEvent })).toMatchObject({
      status: "updated",
      evidence: { health: "ok" },
    });
    clock.advance(1_000_000);
    expect([onTrial, server.device.version, server.device.counters.rollbacks]).toEqual([true, version, 0]);
  });

  it("lasts as long as it was asked for, and ends by itself", async () => {
    const clock = manualTime();
    await using server = await start({ clock });
    await using client = fastClient({ deliveries: [families[name].delivery()] });
    await using artifact = await openArtifact(firmware, { version });
    await client.push({ id, address: server.url, profile }, artifact);
    const asked = name === "axis" ? 120_000 : 90_000;
    clock.advance(asked - 1);
    expect(server.device.version).toBe(version);
    clock.advance(1);
    expect(server.device.version).toBe("1.0.0");
  });

  it("is taken back where the device is not well", async () => {
    await using server = await start({ health: "failing-after-update" });
    expect(await update(server, name, { ...soon, profile })).toMatchObject({
      status: "failed",
      error: { code: "unhealthy", message: expect.stringContaining("It was told to go back.") },
    });
    expect([server.device.version, server.device.counters.rollbacks]).toEqual(["1.0.0", 1]);
  });

  it("that ended before the commit is no update, whatever the device answers", async () => {
    await using server = await start({});
    const onEvent = (event: ClientEvent) => event.type === "verified" && server.device.rollback();
    expect(await update(server, name, { onEvent })).toMatchObject({
      status: "failed",
      error: { code: "not_updated", phase: "commit", message: expect.stringContaining('back at "1.0.0"') },
    });
  });

  it("that ends while the device is being watched is no update", async () => {
    const clock = manualTime();
    await using server = await start({ clock });
    const seen: string[] = [];
    const onEvent = (event: ClientEvent) => {
      if (event.type !== "read" || event.state === undefined) return;
      seen.push(event.state.version);
      if (event.state.version === version) clock.advance(120_000);
    };
    expect(await update(server, name, { ...soon, profile, onEvent })).toMatchObject({
      status: "failed",
      error: { code: "not_updated" },
    });
    expect([seen[0], seen.at(-1)]).toEqual([version, "1.0.0"]);
  });

  it("that nobody could end stays what it is: unknown", async () => {
    await using server = await start({});
    const commits =
      name === "axis"
        ? { on: "version", fault: { kind: "blackhole" } }
        : { on: "commit", fault: { kind: "blackhole" } };
    const onEvent = (event: ClientEvent) => event.type === "verified" && server.script(commits as never);
    expect(await update(server, name, { onEvent, timeouts: { connect: 200, response: 200 } })).toMatchObject({
      status: "unknown",
      error: { code: "outcome_unknown", phase: "commit" },
    });
    expect(server.device.onTrial).toBe(true);
  });
});

describe("a device that runs the artifact on trial, since nobody stayed to commit it", () => {
  it("is committed by the next update, on axis", async () => {
    const clock = manualTime();
    await using server = await startAxis({ clock });
    await using client = fastClient({ deliveries: [axis()] });
    await using artifact = await openArtifact(firmware, { version });
    await client.push({ id, address: server.url }, artifact);
    expect([server.device.version, server.device.onTrial]).toEqual([version, true]);
    expect(await client.update({ id, address: server.url }, artifact)).toMatchObject({
      status: "skipped",
      attempts: 0,
    });
    clock.advance(10_000_000);
    expect([server.device.version, server.device.onTrial, sends(server)]).toEqual([version, false, 1]);
    // Axis takes a commit as often as it is told to: a third run changes nothing.
    expect(await client.update({ id, address: server.url }, artifact)).toMatchObject({ status: "skipped" });
  });

  it("is committed by the next update after one that broke off, over generic http", async () => {
    const clock = manualTime();
    await using server = await startDeviceServer({ id, trial: true, trialMs: 6_000, clock });
    const profile: Profile = { commit: { path: "/commit" } };
    const device = { id, address: server.url, profile };
    const leaving = new AbortController();
    const onEvent = (event: ClientEvent) => event.type === "read" && leaving.abort();
    await using client = fastClient({ onEvent });
    await using artifact = await openArtifact(firmware, { version });
    expect(await client.update(device, artifact, { signal: leaving.signal })).toMatchObject({
      status: "unknown",
      error: { code: "aborted" },
    });
    expect([server.device.version, server.device.onTrial]).toEqual([version, true]);
    expect(await client.update(device, artifact)).toMatchObject({ status: "skipped", attempts: 0 });
    clock.advance(6_000_000);
    expect([server.device.version, server.device.counters.rollbacks]).toEqual([version, 0]);
    expect(server.device.counters.requests).toMatchObject({ update: 1, commit: 1 });
  });

  it("is skipped on mongoose-os where it had been committed, which it refuses to repeat but tells", async () => {
    await using server = await startOldMongooseOs({});
    await using client = fastClient({ deliveries: [mongooseOs()] });
    await using artifact = await openArtifact(firmware, { version });
    const device = { id, address: server.url };
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    expect(await client.update(device, artifact)).toMatchObject({ status: "skipped", attempts: 0 });
  });

  it("is unknown on mongoose-os where it had been committed, but tells nobody", async () => {
    await using server = await startMongooseOs({ uptime: 3_600, bootState: false });
    await using client = fastClient({ deliveries: [mongooseOs()] });
    await using artifact = await openArtifact(firmware, { version });
    const device = { id, address: server.url };
    expect(await client.update(device, artifact)).toMatchObject({ status: "updated" });
    expect(await client.update(device, artifact)).toMatchObject({ status: "unknown", error: { phase: "commit" } });
  });

  it.each(["push", "update"] as const)(
    "is unknown on mongoose-os where the commit after a %s is refused in the same way, but the trial goes on",
    async (first) => {
      await using server = await startOldMongooseOs({});
      server.script({ on: "commit", fault: { kind: "status", status: 400 } });
      await using client = fastClient({ deliveries: [mongooseOs()] });
      await using artifact = await openArtifact(firmware, { version });
      const device = { id, address: server.url };
      if (first === "push") await client.push(device, artifact);
      expect(await client.update(device, artifact)).toMatchObject({
        status: "unknown",
        error: { code: "outcome_unknown", phase: "commit" },
      });
      expect([server.device.onTrial, sends(server)]).toEqual([true, 1]);
    },
  );
});
