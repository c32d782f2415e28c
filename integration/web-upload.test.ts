import { describe, expect, it } from "vitest";
import {
  type AxisOptions,
  type DeviceServer,
  type DeviceServerOptions,
  makeFirmware,
  manualTime,
  sha256,
  startAxis,
  startDeviceServer,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startTasmota,
} from "../mocks/index.ts";
import { axis, elegantOta, esphome, mongooseOs, tasmota } from "../src/delivery/web-upload/index.ts";
import {
  type ClientEvent,
  type ClientOptions,
  type Delivery,
  type DeviceOutcome,
  openArtifact,
  type Profile,
  Secret,
} from "../src/index.ts";
import { fastClient } from "./kit.ts";

const id = "dev-1";
const version = "2.0.0";
const firmware = makeFirmware({ version, length: 300_000 });
const always = Number.POSITIVE_INFINITY;
/** For a device that stays as it is; what is to be proven may take as long as a loaded machine needs. */
const soon: ClientOptions = { verification: { stableFor: 20, deadline: 400 } };

/** It tells its uptime in whole seconds: one that had only just been switched on could show no boot. */
const startOldMongooseOs = (options: DeviceServerOptions) => startMongooseOs({ ...options, uptime: 3_600 });

interface Family {
  readonly start: (options: DeviceServerOptions) => Promise<DeviceServer>;
  readonly delivery: () => Delivery;
}
const families = {
  esphome: { start: startEsphome, delivery: () => esphome() },
  tasmota: { start: startTasmota, delivery: () => tasmota() },
  "mongoose-os": { start: startOldMongooseOs, delivery: () => mongooseOs() },
  axis: { start: startAxis, delivery: () => axis() },
  "elegant-ota": {
    start: startElegantOta,
    delivery: () => elegantOta({ inspect: { path: "/version", pointer: "/version" } }),
  },
} as const satisfies Record<string, Family>;
type Name = keyof typeof families;
const names = Object.keys(families) as Name[];

interface Given extends ClientOptions {
  readonly bytes?: Uint8Array;
  readonly profile?: Profile;
}

async function update(
  server: DeviceServer,
  name: Name,
  { bytes = firmware, profile, ...options }: Given = {},
): Promise<DeviceOutcome> {
  await using client = fastClient({ ...options, deliveries: [families[name].delivery()] });
  await using artifact = await openArtifact(bytes, { version });
  return await client.update({ id, address: server.url, ...(profile && { profile }) }, artifact);
}

const sends = ({ device }: DeviceServer) => device.counters.requests.update;

describe.each(names)("%s", (name) => {
  const { start } = families[name];

  it("is updated over a restart, and proven", async () => {
    await using server = await start({ rebootMs: 50 });
    const outcome = await update(server, name);
    expect(outcome).toMatchObject({ status: "updated", attempts: 1, evidence: { proved: "version", version } });
    expect(server.device.received).toMatchObject([{ complete: true, sha256: sha256(firmware), outcome: "installed" }]);
    expect([server.device.version, server.device.digest]).toEqual([version, sha256(firmware)]);
    expect(server.device.onTrial).toBe(false);
  });

  it("is read, not sent to again, when its answer is lost in the restart", async () => {
    await using server = await start({ rebootMs: 50 });
    server.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    expect(await update(server, name)).toMatchObject({ status: "updated", receipt: { acknowledgedBy: "readback" } });
    expect(sends(server)).toBe(1);
  });

  it("is not believed when it answers as ever and installs nothing", async () => {
    await using server = await start({});
    server.script({ on: "update", fault: { kind: "lying-200" } });
    expect(await update(server, name, soon)).toMatchObject({ status: "failed", error: { code: "not_updated" } });
    expect(sends(server)).toBe(1);
  });

  it("is sent nothing while its version cannot be read", async () => {
    await using server = await start({});
    server.script({ on: "version", times: always, fault: { kind: "body", body: "<h1>It works!</h1>" } });
    expect(await update(server, name)).toMatchObject({ status: "failed", error: { code: "unreadable_state" } });
    server.device.faults.clear();
    server.script({ on: "version", times: always, fault: { kind: "oversize-body", bytes: 8_388_608 } });
    expect(await update(server, name)).toMatchObject({ status: "failed", error: { code: "reply_too_large" } });
    expect(sends(server)).toBe(0);
  });

  it("is read after an answer to the upload that is too long", async () => {
    await using server = await start({});
    server.script({ on: "update", fault: { kind: "oversize-body", bytes: 8_388_608 } });
    expect(await update(server, name)).toMatchObject({ status: "updated" });
    expect(sends(server)).toBe(1);
  });

  it("is told from every other family before a byte is sent", async () => {
    for (const other of names.filter((candidate) => candidate !== name)) {
      await using server = await families[other].start({});
      expect(await update(server, name)).toMatchObject({ status: "failed", attempts: 0, error: { phase: "inspect" } });
      expect(server.device.received).toEqual([]);
      expect(server.device.requests.filter(({ method }) => method === "POST" && name !== "axis")).toEqual([]);
    }
  });
});

describe("an image that the device does not like", () => {
  const bytes = Buffer.alloc(100_000, 7);
  it.each([
    // Says so, and may mean a bad moment: read, found as it was, and sent to again, in all as often as retries go.
    ["esphome", { code: "device_error" }, 3],
    // Says so in words of its own language, which are not read.
    ["tasmota", { code: "not_updated" }, 1],
    ["mongoose-os", { code: "refused", reply: { status: 400 } }, 1],
    ["axis", { code: "refused", reply: { status: 415 } }, 1],
    ["elegant-ota", { code: "refused", reply: { status: 400 } }, 1],
  ] as const)("on %s", async (name, error, times) => {
    await using server = await families[name].start({ accepts: "firmware" });
    expect(await update(server, name, { ...soon, bytes })).toMatchObject({ status: "failed", error });
    expect([server.device.version, sends(server)]).toEqual(["1.0.0", times]);
  });
});

describe("a busy device", () => {
  const busy = '{"apiVersion":"1.0","method":"upgrade","error":{"code":423,"message":"busy"}}';
  it.each([
    ["mongoose-os", { status: 409, body: "Another update is in progress." }],
    ["axis", { status: 423 }],
    ["axis", { status: 200, body: busy }],
  ] as const)("is waited for: %s, %o", async (name, answer) => {
    await using server = await families[name].start({});
    server.script({ on: "update", fault: { kind: "status", ...answer } });
    const codes: string[] = [];
    const onEvent = (event: ClientEvent) => event.type === "attempt-failed" && codes.push(event.error.code);
    expect(await update(server, name, { onEvent })).toMatchObject({ status: "updated", attempts: 2 });
    expect(codes).toEqual(["device_busy"]);
  });
});

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

describe("a device that had only just been switched on", () => {
  it.each([0, 300])("is not said not to have restarted, which its uptime cannot tell (%d ms)", async (rebootMs) => {
    await using server = await startMongooseOs({ rebootMs });
    const outcome = await update(server, "mongoose-os", { verification: { stableFor: 20, deadline: 3_000 } });
    expect(outcome).toMatchObject({
      status: "updated",
      evidence: { newBoot: expect.stringMatching(/^(seen|unclear)$/) },
    });
    expect(server.device).toMatchObject({ version, digest: sha256(firmware), onTrial: false });
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

describe("axis refuses", () => {
  const start = (options: AxisOptions) => startAxis(options);
  it.each([
    [409, /downgrade/],
    [412, /still on trial/],
    [415, /no firmware image/],
    [421, /another product/],
    [422, /signature/],
  ])("with %d, and is told what to do about it", async (refuses, advice) => {
    for (const refusals of ["body", "status"] as const) {
      await using server = await start({ refuses, refusals });
      expect(await update(server, "axis")).toMatchObject({
        status: "failed",
        attempts: 1,
        error: { code: "refused", reply: { status: refuses }, message: expect.stringMatching(advice) },
      });
      expect([server.device.version, sends(server)]).toEqual(["1.0.0", 1]);
    }
  });

  it("a second upgrade while the first is on trial", async () => {
    await using server = await start({});
    await using client = fastClient({ deliveries: [axis()] });
    await using artifact = await openArtifact(firmware, { version });
    const device = { id, address: server.url };
    await client.push(device, artifact);
    await expect(client.push(device, artifact)).rejects.toMatchObject({ code: "refused", reply: { status: 412 } });
  });
});

describe("a device that wants a login", () => {
  const login = { username: "root", password: "canary-p4ss" };
  const credentials = () => ({ username: login.username, password: new Secret(login.password) });

  /** Everything that could be logged of an update. */
  async function told(
    server: DeviceServer,
    name: Name,
    given: Given,
  ): Promise<{ outcome: DeviceOutcome; log: string }> {
    const events: unknown[] = [];
    const outcome = await update(server, name, { ...given, onEvent: (event) => events.push(event) });
    const error = "error" in outcome ? `${outcome.error.stack} ${String(outcome.error.cause)}` : "";
    return { outcome, log: JSON.stringify([events, outcome]) + error };
  }

  it("axis: by Digest, before the artifact leaves", async () => {
    await using server = await startAxis({ login });
    const { outcome, log } = await told(server, "axis", { credentials });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1, evidence: { identity: "credential" } });
    expect(sends(server)).toBe(1);
    expect(log).not.toContain(login.password);
  });

  it("axis: nothing is sent with a wrong one, or with none", async () => {
    await using server = await startAxis({ login: { ...login, password: "another" } });
    const { outcome, log } = await told(server, "axis", { credentials });
    expect(outcome).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "refused", reply: { status: 401 } },
    });
    expect(await update(server, "axis")).toMatchObject({ status: "failed", attempts: 0, error: { code: "refused" } });
    expect(sends(server)).toBe(0);
    expect(log).not.toContain(login.password);
  });

  it("tasmota: with every request, and never in a query unless it is told to", async () => {
    await using server = await startTasmota({ password: login.password });
    const admin = () => ({ ...credentials(), username: "admin" });
    const { outcome, log } = await told(server, "tasmota", { credentials: admin });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1 });
    expect(server.device.requests.map(({ path }) => path).join()).not.toContain(login.password);
    expect(log).not.toContain(login.password);
    expect(await update(server, "tasmota", { profile: { options: { loginInQuery: true } } })).toMatchObject({
      status: "failed",
      attempts: 0,
      error: { code: "refused" },
    });
  });

  it("tasmota: an old one in the query, which is told to nobody else", async () => {
    await using server = await startTasmota({ password: login.password, loginInQueryOnly: true });
    const admin = () => ({ ...credentials(), username: "admin" });
    const refused = await told(server, "tasmota", { credentials: admin });
    expect(refused.outcome).toMatchObject({ status: "failed", attempts: 0, error: { code: "refused" } });
    const profile: Profile = { options: { loginInQuery: true } };
    const { outcome, log } = await told(server, "tasmota", { credentials: admin, profile });
    expect(outcome).toMatchObject({ status: "updated" });
    expect(refused.log + log).not.toContain(login.password);
    // The upload and what goes before it take the header in every release.
    const paths = server.device.requests.filter(({ path }) => path.includes(login.password)).map(({ path }) => path);
    expect(paths.every((path) => path.startsWith("/cm?"))).toBe(true);
    expect(paths.length).toBeGreaterThan(0);
  });
});

describe("tasmota", () => {
  it("is made ready before every upload", async () => {
    await using server = await startTasmota({ accepts: "firmware" });
    expect(await update(server, "tasmota", { ...soon, bytes: Buffer.alloc(1_000, 1) })).toMatchObject({
      status: "failed",
    });
    expect(await update(server, "tasmota")).toMatchObject({ status: "updated" });
    const uploads = server.device.requests.map(({ path }) => path.split("?")[0]).filter((path) => path !== "/cm");
    expect(uploads).toEqual(["/up", "/u2", "/up", "/u2"]);
  });

  it("is sent no artifact when it cannot be made ready", async () => {
    await using server = await startTasmota();
    server.script({ on: "any", skip: 1, times: 9, fault: { kind: "status", status: 404 } });
    const outcome = await update(server, "tasmota");
    expect(outcome).toMatchObject({ status: "failed", error: { code: "refused", bytesOut: "none" } });
    expect(sends(server)).toBe(0);
  });
});
