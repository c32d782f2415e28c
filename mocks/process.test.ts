import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { makeFirmware, sha256 } from "./firmware.ts";
import { forkDevice, forkFleet, forkSink } from "./process.ts";
import { ask } from "./raw-client.ts";

const image = makeFirmware({ version: "2.0.0", length: 200_000 });
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a device in its own process is driven from here, and ends with it", async () => {
  const device = await forkDevice({ id: "far", script: [{ on: "update", fault: { kind: "status", status: 503 } }] });
  expect(device.pid).not.toBe(process.pid);
  const update = () => ask(`${device.url}/update`, { method: "POST", body: image });
  expect((await update()).status).toBe(503);
  expect((await update()).status).toBe(200);
  expect(await device.state()).toMatchObject({ id: "far", version: "2.0.0", digest: sha256(image) });
  expect(await device.received()).toMatchObject([
    { outcome: "discarded" },
    { outcome: "installed", sha256: sha256(image) },
  ]);

  await device.script({
    on: "version",
    times: Number.POSITIVE_INFINITY,
    fault: { kind: "report", members: { id: "else" } },
  });
  expect((await ask(`${device.url}/version`)).json).toMatchObject({ id: "else" });
  await expect(device.script({ on: "connect", fault: { kind: "lying-200" } })).rejects.toThrow(/means nothing/);
  await device.health("failing");
  expect((await ask(`${device.url}/health`)).status).toBe(503);
  await device.refuse();
  await expect(ask(`${device.url}/version`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await device.accept();
  expect((await ask(`${device.url}/version`)).status).toBe(200);
  expect(await device.counters()).toMatchObject({ requests: { update: 2, version: 2, health: 1 } });
  await device.reset();
  expect(await device.counters()).toMatchObject({ requests: { update: 0 } });

  await device.close();
  expect(alive(device.pid)).toBe(false);
  await expect(device.state()).rejects.toThrow();
  await device.close();
});

test("a fleet in its own process", async () => {
  await using fleet = await forkFleet({
    count: 20,
    prefix: "till-",
    device: { version: "1.5.0" },
    chaos: [{ share: 0.5, script: [{ on: "version", fault: { kind: "status", status: 500 } }] }],
  });
  const statuses = await Promise.all(
    fleet.devices.map(async ({ address }) => (await ask(`${address}/version`)).status),
  );
  expect(statuses.filter((status) => status === 500)).toHaveLength(10);
  expect(await fleet.counters()).toMatchObject({ requests: { version: 20 } });
  expect(await fleet.control("till-07").state()).toMatchObject({ id: "till-07", version: "1.5.0" });
  await expect(fleet.control("till-99").state()).rejects.toThrow(/no device/);
  await fleet.reset();
  expect(await fleet.counters()).toMatchObject({ requests: { version: 0 } });
});

test("a sink in its own process", async () => {
  await using sink = await forkSink({ hash: true });
  expect((await ask(sink.url, { method: "POST", body: image })).text).toBe(sha256(image));
  expect(await sink.counters()).toMatchObject({ requests: 1, bytes: image.length });
});

test("what cannot start says why, and leaves no process behind", async () => {
  await expect(forkDevice({ host: "0.0.0.0" })).rejects.toThrow(/loopback only/);
});

test("a parent that is killed takes its simulator along", async () => {
  const code = `import { forkDevice } from ${JSON.stringify(new URL("./process.ts", import.meta.url).href)};
    console.log((await forkDevice()).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(parent.stdout, "data");
  const pid = Number(line);
  expect(alive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false);
});

test("a simulator that was killed fails what was asked of it", async () => {
  const device = await forkDevice();
  process.kill(device.pid, "SIGKILL");
  await expect(device.state().then(() => once(process, "never"))).rejects.toThrow(/SIGKILL|closed|disconnected/i);
  await device.close();
});
