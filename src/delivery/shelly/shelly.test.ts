import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createCertificateAuthority,
  makeFirmware,
  type Shelly,
  startShellyGen1,
  startShellyGen2,
} from "../../../mocks/index.ts";
import { until } from "../../../mocks/until.ts";
import { openArtifact } from "../../bytes/index.ts";
import { type Client, type ClientOptions, type Credentials, createClient, Secret } from "../../index.ts";
import { type ArtifactServer, type ArtifactServerOptions, createArtifactServer } from "../serve/index.ts";
import { shellyGen1, shellyGen2 } from "./index.ts";

const firmware = makeFirmware({ version: "2.0.0", length: 3_000_000 });
const patience = { patience: 1_000 };

async function opened(version = "2.0.0") {
  const artifact = await openArtifact(firmware, { name: "fw.zip", version });
  onTestFinished(() => artifact[Symbol.asyncDispose]());
  return artifact;
}

interface Scene {
  readonly server: ArtifactServer;
  readonly client: Client;
}

async function scene(serving: ArtifactServerOptions = {}, options: ClientOptions = {}): Promise<Scene> {
  const server = await createArtifactServer(serving);
  const client = createClient({
    addressPolicy: { permit: ["127.0.0.0/8"] },
    deliveries: [
      shellyGen2({ publisher: server, options: patience }),
      shellyGen1({ publisher: server, options: patience }),
    ],
    verification: { stableFor: 20, deadline: 3_000 },
    retry: { base: 5, cap: 20, busyBase: 5, quietPeriod: 20 },
    ...options,
  });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { server, client };
}

async function started(start: (options: object) => Promise<Shelly>, options: object = {}): Promise<Shelly> {
  const shelly = await start(options);
  onTestFinished(() => shelly.close());
  return shelly;
}

const generations = [
  ["shelly-gen1", startShellyGen1],
  ["shelly-gen2", startShellyGen2],
] as const;

describe.for(generations)("an update of %s", ([delivery, start]) => {
  const deviceOf = (shelly: Shelly) => ({ id: "dev-1", address: shelly.url, delivery });

  it("ends with evidence, and the URL leads nowhere then", async () => {
    const { server, client } = await scene();
    const shelly = await started(start);
    const outcome = await client.update(deviceOf(shelly), await opened());
    expect(outcome).toMatchObject({ status: "updated", evidence: { version: "2.0.0", proved: "version" } });
    expect(shelly.device.version).toBe("2.0.0");
    const [pull] = shelly.pulls;
    expect(pull).toMatchObject({ outcome: "complete", url: expect.stringMatching(/\/fw\.zip$/) });
    expect((await fetch(pull?.url ?? "")).status).toBe(404);
    expect(server.statistics().publications).toBe(0);
  });

  it("goes on by Range after a cut, in one attempt", async () => {
    const { client } = await scene();
    const shelly = await started(start);
    shelly.scriptPull({ kind: "cut", at: 1_000_000, resume: true });
    const artifact = await opened();
    const receipt = await client.push(deviceOf(shelly), artifact);
    expect(receipt).toMatchObject({ attempts: 1, bytes: 3_000_000, activated: true });
    await until(() => shelly.pulls.length === 1);
    const ranges = shelly.pulls[0]?.requests.map(({ range, status }) => [range, status]);
    expect(ranges).toEqual([
      [undefined, 200],
      ["bytes=1000000-", 206],
    ]);
    expect(shelly.control.received()[0]).toMatchObject({ sha256: artifact.digest, complete: true });
  });

  it("is given again when a fetch ended half-way and the old version still runs", async () => {
    const { client } = await scene();
    const shelly = await started(start);
    shelly.scriptPull({ kind: "cut", at: 1_000_000, resume: false });
    const outcome = await client.update(deviceOf(shelly), await opened());
    expect(outcome).toMatchObject({ status: "updated", attempts: 2 });
  });

  it("is not taken for done when the device found the bytes wrong", async () => {
    const { client } = await scene();
    const shelly = await started(start);
    shelly.scriptPull({ kind: "corrupt" });
    const outcome = await client.update(deviceOf(shelly), await opened(), { verification: { deadline: 500 } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" } });
    expect(shelly.device.version).toBe("1.0.0");
  });

  it("says where it was to be fetched from when nothing was, and keeps the token to itself", async () => {
    const { client, server } = await scene({}, { retry: { attempts: 1 } });
    const shelly = await started(start);
    shelly.scriptPull({ kind: "never" });
    const outcome = await client.update(deviceOf(shelly), await opened());
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_fetched", bytesOut: "none" } });
    const printed = JSON.stringify(outcome) + String("error" in outcome && outcome.error.stack);
    expect(printed).toContain(server.url);
    expect(printed).not.toMatch(/:\d+\/[\w-]{20}/);
  });

  it("reaches a device that is asked for a login", async () => {
    const credentials: Credentials = { username: "admin", password: new Secret("s3cret") };
    const { client } = await scene({}, { credentials: async () => credentials });
    const shelly = await started(start, { password: "s3cret" });
    expect(await client.update(deviceOf(shelly), await opened())).toMatchObject({ status: "updated", attempts: 1 });
  });

  it("is refused by a device that is asked for another login, with nothing fetched", async () => {
    const credentials: Credentials = { username: "admin", password: new Secret("wrong") };
    const { client } = await scene({}, { credentials: async () => credentials });
    const shelly = await started(start, { password: "s3cret" });
    const outcome = await client.update(deviceOf(shelly), await opened());
    expect(outcome).toMatchObject({ status: "failed", error: { code: "refused", bytesOut: "none" } });
    expect(shelly.pulls).toEqual([]);
  });

  it("is fetched over TLS", async () => {
    const authority = createCertificateAuthority();
    const { client } = await scene({ tls: authority.issue() });
    const shelly = await started(start, { ca: authority.cert });
    expect(await client.update(deviceOf(shelly), await opened())).toMatchObject({ status: "updated" });
    expect(shelly.pulls[0]?.url).toMatch(/^https:/);
  });

  it.each(["client", "server"] as const)("ends when the %s is closed", async (end) => {
    const { client, server } = await scene();
    const shelly = await started(start);
    shelly.scriptPull({ kind: "stop-reading", at: 10 });
    const large = makeFirmware({ version: "2.0.0", length: 20_000_000 });
    await using artifact = await openArtifact(large, { version: "2.0.0" });
    const pushed = client.push(deviceOf(shelly), artifact).catch((error: unknown) => error);
    await until(() => shelly.control.counters().bytesReceived > 0);
    await (end === "client" ? client : server).close();
    expect(await pushed).toMatchObject({ code: "client_closed", bytesOut: "some" });
    await until(() => server.statistics().connections === 0);
  });

  it("keeps to the client's rate, and does not hold that against the device", async () => {
    // At this rate the send takes longer than its deadline, which only the time spent waiting can stretch.
    const timeouts = { connect: 1_000, response: 1_000, minimumRate: 1e9 };
    const { client } = await scene({}, { limits: { bytesPerSecond: 1_000_000 }, timeouts });
    const shelly = await started(start);
    const sent: number[] = [];
    const receipt = await client.push(deviceOf(shelly), await opened(), { onProgress: (now) => sent.push(now.sent) });
    expect([receipt.bytes, receipt.attempts, sent.at(-1)]).toEqual([3_000_000, 1, 3_000_000]);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  });
});

describe("what a Shelly runs", () => {
  it.each([
    ["20230913-114244/v1.14.0-gcb84623", "1.14.0"],
    ["20191217-140757/1047-long-id-for-shelly-devices@a0661583", "1047-long-id-for-shelly-devices"],
    ["20200309-104051/v1.6.0@43056d58", "1.6.0"],
    ["20210226-091047/v1.10.0-rc2-g89f9af3", "1.10.0-rc2"],
    ["1.2.3", "1.2.3"],
  ])("%s is %s", async (fw, version) => {
    const { client } = await scene();
    const shelly = await started(startShellyGen1);
    shelly.script({
      on: "version",
      fault: { kind: "body", body: JSON.stringify({ type: "SHSW-25", fw, auth: false }) },
    });
    const state = await client.inspect({ id: "x", address: shelly.url, delivery: "shelly-gen1" });
    expect(state).toMatchObject({ version, hardware: "SHSW-25" });
  });

  it.each(["", "\u001b[2J", "9".repeat(4_096)])("a version %j is not believed", async (ver) => {
    const { client } = await scene();
    const shelly = await started(startShellyGen2);
    shelly.script({ on: "version", fault: { kind: "body", body: JSON.stringify({ ver }) } });
    const read = client.inspect({ id: "x", address: shelly.url });
    await expect(read).rejects.toMatchObject({ code: "unreadable_state" });
  });

  it("can be its build, and its own id where a profile asks for it", async () => {
    const { client } = await scene();
    const shelly = await started(startShellyGen2);
    const profile = { inspect: { pointer: "/fw_id", also: { deviceId: "/id" } } };
    const id = "shellysim-a8032ab12345";
    const state = await client.inspect({ id, address: shelly.url, profile });
    expect(state).toMatchObject({
      version: "20260102-030405/1.0.0-g1234567",
      deviceId: id,
      identity: "reported-id",
    });
  });
});

describe("options", () => {
  const publisher = { publish: () => pause(0) as never };

  it.each([
    [{}, "publisher"],
    [{ publisher: "http://x" }, "publisher"],
    [{ publisher, options: { patience: 0 } }, "options.patience"],
    [{ publisher, options: { auth: "ntlm" } }, "options.auth"],
    [{ publisher, options: { patients: 1 } }, "patients"],
    [{ publisher, send: { method: "PUT" } }, "send.method"],
    [{ publisher, send: { path: "no" } }, "send.path"],
    [{ publisher, inspect: { pointer: "no" } }, "inspect.pointer"],
    [{ publisher, snd: {} }, "snd"],
  ])("%o is refused", (options, name) => {
    for (const make of [shellyGen1, shellyGen2]) {
      let error: unknown;
      try {
        make(options as never);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: "invalid_profile", phase: "prepare" });
      expect((error as Error).message).toContain(name);
    }
  });

  it("a device's own profile is refused before anything is sent", async () => {
    const { client } = await scene();
    const shelly = await started(startShellyGen2);
    const device = { id: "x", address: shelly.url, profile: { options: { patients: 1 } } };
    await expect(client.push(device, await opened())).rejects.toMatchObject({ code: "invalid_profile" });
    expect(shelly.control.requests()).toEqual([]);
  });
});
