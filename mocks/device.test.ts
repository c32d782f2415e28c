import { expect, test } from "vitest";
import { createSimulatedDevice, type SimulatedDevice } from "./device.ts";
import type { SimulatedDeviceOptions } from "./device-options.ts";
import { makeFirmware, sha256 } from "./firmware.ts";
import type { Received, SeenRequest } from "./records.ts";
import { manualTime } from "./time.ts";

const request: SeenRequest = {
  method: "POST",
  path: "/update",
  httpVersion: "1.1",
  headers: {},
  rawHeaders: [],
  endpoint: "update",
  connection: 1,
};

function make(options: SimulatedDeviceOptions = {}) {
  const clock = manualTime();
  return { clock, device: createSimulatedDevice({ clock, ...options }) };
}

function take(device: SimulatedDevice, bytes: Uint8Array, headers: Record<string, string> = {}): Received {
  const reception = device.receive({ ...request, headers });
  reception.write(bytes);
  const received = reception.finish(true, () => "staged");
  if (!received) throw new Error("a reception ends once");
  return received;
}

const image = makeFirmware({ version: "2.0.0" });

test("an update goes to the other slot and runs after a restart, with a new boot and a fresh uptime", () => {
  const { clock, device } = make({ rebootMs: 1000 });
  clock.advance(5000);
  const before = device.report();
  expect(before).toMatchObject({ version: "1.0.0", slot: "A", uptime: 5 });
  expect(before).not.toHaveProperty("digest");

  device.stage(take(device, image));
  expect(device).toMatchObject({ version: "1.0.0", staged: true });
  expect(device.switchOver()).toBe(true);
  expect(device).toMatchObject({ rebooting: true, version: "1.0.0" });
  clock.advance(999);
  expect(device.rebooting).toBe(true);
  clock.advance(1);
  expect(device.rebooting).toBe(false);

  const after = device.report();
  expect(after).toMatchObject({ version: "2.0.0", slot: "B", uptime: 0, digest: sha256(image) });
  expect(after.bootId).not.toBe(before.bootId);
  expect(device.switchOver(), "nothing is staged any more").toBe(false);
});

test("with no reboot time a restart is over at once, and is a restart all the same", () => {
  const { device } = make();
  const { bootId } = device;
  device.reboot();
  expect(device.bootId).not.toBe(bootId);
  expect(device).toMatchObject({ rebooting: false, version: "1.0.0", slot: "A" });
  expect(device.counters.boots).toBe(1);
});

test("a trial that nobody commits ends in the old image", () => {
  const { clock, device } = make({ trial: true, trialMs: 10_000, rebootMs: 100 });
  device.stage(take(device, image));
  device.switchOver();
  clock.advance(100);
  expect(device).toMatchObject({ version: "2.0.0", onTrial: true });
  const { bootId } = device;
  clock.advance(10_000);
  expect(device.rebooting).toBe(true);
  clock.advance(100);
  expect(device).toMatchObject({ version: "1.0.0", slot: "A", onTrial: false });
  expect(device.bootId).not.toBe(bootId);
  expect(device.counters.rollbacks).toBe(1);
});

test("it can claim to run something else than it was sent", () => {
  const { device } = make();
  device.claims = "1.5.0";
  device.stage(take(device, image));
  expect(device.version).toBe("1.0.0");
  device.switchOver();
  expect(device.report()).toMatchObject({ version: "1.5.0", slot: "B" });
});

test("a committed trial is permanent, and only a trial can be committed", () => {
  const { clock, device } = make({ trial: true, trialMs: 10_000 });
  expect(device.commit()).toBe(false);
  device.stage(take(device, image));
  device.switchOver();
  expect(device.commit()).toBe(true);
  clock.advance(1_000_000);
  expect(device).toMatchObject({ version: "2.0.0", onTrial: false });
  expect(device.counters.rollbacks).toBe(0);
});

test("a rollback goes back once, and only where there is something to go back to", () => {
  const { device } = make();
  expect(device.rollback()).toBe(false);
  device.stage(take(device, image));
  expect(device.rollback(), "staged is not previous").toBe(false);
  device.switchOver();
  expect(device.rollback()).toBe(true);
  expect(device).toMatchObject({ version: "1.0.0", slot: "A" });
  expect(device.rollback()).toBe(false);
});

test("while it restarts it takes no other order", () => {
  const { clock, device } = make({ rebootMs: 100 });
  device.stage(take(device, image));
  device.switchOver();
  expect([device.switchOver(), device.rollback()]).toEqual([false, false]);
  device.reboot();
  clock.advance(100);
  expect(device.rollback()).toBe(true);
  expect([device.rollback(), device.switchOver()]).toEqual([false, false]);
  clock.advance(100);
  expect(device).toMatchObject({ version: "1.0.0", counters: { boots: 2, rollbacks: 1 } });
});

test("a silent rollback comes without a trial, and a commit does not prevent it", () => {
  const { clock, device } = make();
  device.stage(take(device, image));
  device.switchOver({ fallBackAfter: 3000 });
  expect(device.commit()).toBe(false);
  clock.advance(2999);
  expect(device.version).toBe("2.0.0");
  clock.advance(1);
  expect(device.version).toBe("1.0.0");
});

test("the version comes from the image, else from the option, else from the header, else it stays", () => {
  const plain = Buffer.from("22 bytes, no firmware!");
  const version = (options: SimulatedDeviceOptions, bytes: Uint8Array, headers: Record<string, string>) => {
    const { device } = make(options);
    device.stage(take(device, bytes, headers));
    device.switchOver();
    return device.version;
  };
  const header = { "x-firmware-version": "3.0.0" };
  expect(version({ versionFrom: () => "4.0.0" }, image, header)).toBe("2.0.0");
  expect(version({ versionFrom: ({ bytes }) => `${bytes}.0.0` }, plain, header)).toBe("22.0.0");
  expect(version({ versionFrom: () => undefined }, plain, header)).toBe("3.0.0");
  expect(version({}, plain, {})).toBe("1.0.0");
});

test("a corrupt image is known by its own trailer", () => {
  const { device } = make();
  const bent = Buffer.from(image);
  bent.writeUInt8(bent.readUInt8(1000) ^ 1, 1000);
  expect(device.objection(take(device, image))).toBeUndefined();
  expect(device.objection(take(device, bent))).toMatch(/corrupt/);
  expect(device.counters).toMatchObject({ completed: 2, corrupt: 1, bytesReceived: 2 * image.length });
  expect(device.objection(take(device, Buffer.from("plain")))).toBeUndefined();
  expect(make({ accepts: "firmware" }).device.objection(take(device, Buffer.from("plain")))).toMatch(/no firmware/);
});

test("overlapping updates are counted, and an ended one no longer overlaps", () => {
  const { device } = make();
  take(device, image);
  take(device, image);
  expect(device.counters.updatesAtOnce).toBe(1);
  const one = device.receive(request);
  take(device, image);
  one.finish(false, () => "incomplete");
  expect(device.counters.updatesAtOnce).toBe(2);
  expect(device.received.at(-1)).toMatchObject({ complete: false, outcome: "incomplete" });
  expect(
    one.finish(false, () => "incomplete"),
    "ended twice",
  ).toBeUndefined();
});

test("health can fail always, or only on what an update brought", () => {
  const { device } = make({ health: "failing-after-update" });
  expect(device.healthy).toBe(true);
  device.stage(take(device, image));
  device.switchOver();
  expect(device.healthy).toBe(false);
  device.rollback();
  expect(device.healthy).toBe(true);
  device.health = "failing";
  expect(device.healthy).toBe(false);
});

test("reset forgets what happened and not what runs; records are bounded", () => {
  const { device } = make({ keep: 2, omits: ["bootId", "uptime"] });
  for (const _ of [1, 2, 3]) device.stage(take(device, image));
  expect(device.received).toHaveLength(2);
  device.switchOver();
  device.faults.failNext(5);
  device.reset();
  expect(device.received).toEqual([]);
  expect(device.faults.pending).toBe(false);
  expect(device.counters.boots).toBe(0);
  expect(device.report()).toEqual({
    version: "2.0.0",
    id: "sim-001",
    name: "sim-001",
    hardware: "sim-board-1",
    slot: "B",
    digest: sha256(image),
  });
});

test("a disposed device restarts no more", () => {
  const { clock, device } = make({ rebootMs: 100 });
  const { bootId } = device;
  device.reboot();
  device[Symbol.dispose]();
  clock.advance(1000);
  expect(device.bootId).toBe(bootId);
});
