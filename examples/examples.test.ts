import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres, startPostgres } from "../integration/peers/postgres.ts";
import {
  defaultPaths,
  plainDialect,
  startAxis,
  startDeviceServer,
  startRedfishDevice,
  startShellyGen2,
  startSwupdate,
  startTusDevice,
  withLogin,
  writeFirmware,
} from "../mocks/index.ts";

let directory: string;
let firmware: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-examples-"));
  firmware = join(directory, "fw.bin");
  await writeFirmware(firmware, { version: "2.0.0", length: 300_000 });
});

afterAll(() => rm(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(example: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const path = join(import.meta.dirname, example);
    const child = spawn(process.execPath, [path, ...args], { env: { ...process.env, ...env } });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

describe("examples", () => {
  it("push-one", async () => {
    await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0" });
    const { code, out, err } = await run("push-one.ts", [firmware, "2.0.0", device.url]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("The device has 300000 bytes.");
    expect(out).toContain("It was seen running 2.0.0");
    expect(device.device.version).toBe("2.0.0");
  });

  it("push-one says what is wrong", async () => {
    const { code, err } = await run("push-one.ts", [join(directory, "missing.bin"), "2.0.0", "http://127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(err).toContain("artifact_unreadable during artifact");
  });

  it("fleet", async () => {
    await using first = await startDeviceServer({ id: "device-1", version: "1.0.0" });
    await using second = await startDeviceServer({ id: "device-2", version: "1.0.0" });
    const { code, out } = await run("fleet.ts", [firmware, "2.0.0", first.url, second.url]);
    expect(code).toBe(0);
    expect(out.trim().split("\n").toSorted()).toEqual(["device-1 updated", "device-2 updated"]);
  });

  it("registry", async () => {
    await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0" });
    const { code, out } = await run("registry.ts", [firmware, "2.0.0", device.url]);
    expect({ code, out }).toEqual({ code: 0, out: "updated; the registry says 2.0.0, proved by version.\n" });
  });

  it("fleet-file", async () => {
    await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0" });
    const args = [join(directory, "fleet.db"), firmware, "2.0.0", device.url];
    const first = await run("fleet-file.ts", args);
    const out = (before: string, status: string) =>
      `before: ${before}\n${status}: 2.0.0\n0 devices are older than 2.0.0\n`;
    expect(first).toEqual({ code: 0, out: out("never seen", "updated"), err: "" });
    // It remembers, and so does not send again what runs already.
    expect(await run("fleet-file.ts", args)).toEqual({ code: 0, out: out("2.0.0", "skipped"), err: "" });
    expect(device.device.received.map(({ method, bytes }) => [method, bytes])).toEqual([["POST", 300_000]]);
  });

  describePostgres("with PostgreSQL", () => {
    it("fleet-postgres", { timeout: 120_000 }, async () => {
      await using server = await startPostgres();
      const { code, out, err } = await run("fleet-postgres.ts", [server.url(), join(directory, "artifacts")]);
      expect({ code, out, err }).toEqual({ code: 0, out: "the second writer: conflict\ncreated: pos-001\n", err: "" });
    });
  });

  it("redfish", async () => {
    const user = { name: "root", password: "0penBmc" };
    await using bmc = await startRedfishDevice({ style: "openbmc", user, taskMs: 100 });
    const { code, out, err } = await run("redfish.ts", [firmware, "2.0.0", bmc.url, user.name, user.password]);
    expect({ code, out, err }).toEqual({ code: 0, out: "It runs 2.0.0.\n", err: "" });
    expect(bmc.device.version).toBe("2.0.0");
    expect(bmc.service.sessions.size).toBe(0);
  });

  it("serve", async () => {
    await using shelly = await startShellyGen2({ version: "1.0.0" });
    const { code, out, err } = await run("serve.ts", [firmware, "2.0.0", shelly.url]);
    expect({ code, out, err }).toEqual({ code: 0, out: "It fetched 300000 bytes and runs 2.0.0.\n", err: "" });
    expect(shelly.pulls).toEqual([expect.objectContaining({ outcome: "complete" })]);
  });

  it("login", async () => {
    const dialect = withLogin(plainDialect(defaultPaths), { username: "admin", password: "s3cret" });
    await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0", dialect });
    const args = [firmware, "2.0.0", device.url, "admin"];
    const wrong = await run("login.ts", args, { DEVICE_PASSWORD: "guessed" });
    expect(wrong.out).toContain("failed: refused: The device answered 401 and does not take this login");
    expect(wrong.out + wrong.err).not.toContain("guessed");
    expect(device.device.received).toEqual([]);
    const right = await run("login.ts", args, { DEVICE_PASSWORD: "s3cret" });
    expect(right).toEqual({ code: 0, out: "updated to 2.0.0\n", err: "" });
    // Challenged by an empty request, then sent once.
    expect(device.device.received.map(({ method, bytes }) => [method, bytes])).toEqual([
      ["HEAD", 0],
      ["PUT", 300_000],
    ]);
  });

  it("signed", async () => {
    await using device = await startDeviceServer({ id: "pos-001", version: "1.0.0" });
    const { code, out, err } = await run("signed.ts", [firmware, "2.0.0", device.url]);
    expect({ code, out, err }).toEqual({ code: 0, out: "failed: untrusted\nupdated\n", err: "" });
    expect(device.device.received).toMatchObject([{ bytes: 300_000, complete: true }]);
  });

  it("tus", async () => {
    await using device = await startTusDevice({ id: "pos-001", version: "1.0.0" });
    device.script({ on: "update", fault: { kind: "cut", at: 200_000 } });
    const kept = join(directory, "token.json");
    const { code, out, err } = await run("tus.ts", [firmware, "2.0.0", device.url, kept]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe("Attempt 1: connection_lost.\nupdated after 2 attempt(s).\n");
    expect(device.uploads()).toMatchObject([{ offset: 300_000 }]);
    expect(existsSync(kept)).toBe(false);
  });

  it("tus goes on where an earlier process was", async () => {
    await using device = await startTusDevice({ id: "pos-001", version: "1.0.0" });
    device.script({ on: "update", fault: { kind: "slow-reader", stopAt: 100_000 } });
    const kept = join(directory, "token.json");
    const first = spawn(process.execPath, [join(import.meta.dirname, "tus.ts"), firmware, "2.0.0", device.url, kept]);
    while (device.uploads()[0]?.offset !== 100_000) await setTimeout(10);
    first.kill("SIGKILL");
    await once(first, "exit");
    const { code, out } = await run("tus.ts", [firmware, "2.0.0", device.url, kept]);
    expect({ code, out }).toEqual({
      code: 0,
      out: "Going on: the device had at least 0 bytes.\nupdated after 1 attempt(s).\n",
    });
    expect(device.uploads()).toMatchObject([{ offset: 300_000 }]);
    const patches = device.control.requests().filter(({ method }) => method === "PATCH");
    expect(patches.map(({ headers }) => headers["upload-offset"])).toEqual(["0", "100000"]);
  });

  it("swupdate", async () => {
    await using device = await startSwupdate({ login: { username: "operator", password: "pass" } });
    const args = [firmware, "2.0.0", device.url, "operator", "pass"];
    expect(await run("swupdate.ts", args)).toEqual({ code: 0, out: "It runs 2.0.0.\n", err: "" });
    expect(device.device.version).toBe("2.0.0");
  });

  it("swupdate says what the device says", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "failure", complaint: "HASH mismatch\u001b[2J" });
    const { code, out, err } = await run("swupdate.ts", [firmware, "2.0.0", device.url]);
    expect({ code, out }).toEqual({ code: 1, out: "It is failed.\n" });
    expect(err).toContain("device_error: The device reports that it could not install the image");
    expect(err).toContain("The device says: HASH mismatch [2J");
    expect(device.device.version).toBe("1.0.0");
  });

  it("web-upload", async () => {
    const login = { username: "root", password: "s3cret" };
    await using camera = await startAxis({ login });
    const args = [firmware, "2.0.0", camera.url, login.username];
    const wrong = await run("web-upload.ts", args, { DEVICE_PASSWORD: "guessed" });
    expect(wrong.out).toContain("failed: refused: The device answered 401");
    const right = await run("web-upload.ts", args, { DEVICE_PASSWORD: login.password });
    expect(right).toEqual({ code: 0, out: "2.0.0, kept\n", err: "" });
    expect([camera.device.version, camera.device.onTrial]).toEqual(["2.0.0", false]);
  });

  it("adding-a-protocol", async () => {
    const dialect = plainDialect({ ...defaultPaths, update: "/firmware/2.0.0", version: "/firmware" });
    await using label = await startDeviceServer({ dialect });
    label.script({ on: "version", fault: { kind: "body", body: "1.0.0", type: "text/plain" } });
    label.script({ on: "version", times: 99, fault: { kind: "body", body: "2.0.0", type: "text/plain" } });
    const ended = await run("adding-a-protocol.ts", [firmware, "2.0.0", label.url]);
    expect(ended).toEqual({ code: 0, out: "updated to 2.0.0\n", err: "" });
    expect(label.device.version).toBe("2.0.0");
  });
});
