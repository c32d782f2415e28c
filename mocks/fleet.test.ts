import { expect, test } from "vitest";
import { makeFirmware, sha256 } from "./firmware.ts";
import { startFleet } from "./fleet.ts";
import { ask, RawClient } from "./raw-client.ts";

const image = makeFirmware({ version: "2.0.0" });

test.each(["spread", "ports", "shared"] as const)(
  "%s: every device gets its own update and nobody else's",
  async (addresses) => {
    await using fleet = await startFleet({ count: 12, addresses, each: (index) => ({ hardware: `board-${index}` }) });
    expect(new Set(fleet.devices.map((device) => device.id)).size).toBe(12);
    expect(new Set(fleet.devices.map((device) => device.address)).size).toBe(addresses === "shared" ? 1 : 12);
    for (const { id, address } of fleet.devices.slice(0, 11)) {
      const headers = { "x-device-id": id, "x-firmware-version": `9.0.${id.slice(-2)}` };
      expect((await ask(`${address}/update`, { method: "PUT", body: id, headers })).status).toBe(200);
    }
    for (const { id, address } of fleet.devices.slice(0, 11)) {
      const { json } = await ask(`${address}/version`, { headers: { "x-device-id": id } });
      expect(json).toMatchObject({ id, version: `9.0.${id.slice(-2)}`, digest: sha256(id) });
    }
    expect(fleet.get("sim-12")).toMatchObject({ version: "1.0.0", options: { hardware: "board-11" } });
    expect(fleet.counters()).toMatchObject({ requests: { update: 11, version: 11 }, completed: 11, updatesAtOnce: 1 });
    fleet.reset();
    expect(fleet.counters()).toMatchObject({ requests: { update: 0, version: 0 }, completed: 0 });
    expect(() => fleet.get("sim-13")).toThrow(RangeError);
  },
);

test("spread addresses are loopback and share a port where they can", async () => {
  await using fleet = await startFleet({ count: 300 });
  const hosts = fleet.devices.map((device) => new URL(device.address));
  expect(hosts.every((url) => url.hostname.startsWith("127."))).toBe(true);
  expect(hosts[299]?.hostname).toBe("127.64.1.43");
});

test("where the common port is taken, a device has another", async () => {
  await using one = await startFleet({ count: 2 });
  const port = Number(new URL(one.devices[0]?.address ?? "").port);
  await using other = await startFleet({ count: 3, port });
  const ports = other.devices.map(({ address }) => Number(new URL(address).port));
  expect([ports[0] === port, ports[1] === port, ports[2] === ports[0]]).toEqual([false, false, true]);
  for (const { address } of other.devices) expect((await ask(`${address}/version`)).status).toBe(200);
});

test("a shared listener tells devices apart by path too, and knows no others", async () => {
  await using fleet = await startFleet({ count: 3, addresses: "shared" });
  const address = fleet.devices[0]?.address ?? "";
  expect((await ask(`${address}/devices/sim-2/update`, { method: "POST", body: image })).status).toBe(200);
  expect([...fleet.all()].map((device) => device.version)).toEqual(["1.0.0", "2.0.0", "1.0.0"]);
  expect((await ask(`${address}/version`)).status).toBe(404);
  expect((await ask(`${address}/devices/%zz/version`)).status).toBe(404);
});

test("a device of a shared listener that restarts answers nobody, and its neighbours all", async () => {
  await using fleet = await startFleet({ count: 2, addresses: "shared", device: { rebootMs: 60_000 } });
  const { address = "" } = fleet.devices[0] ?? {};
  const version = (id: string) => ask(`${address}/version`, { headers: { "x-device-id": id } });
  fleet.get("sim-1").reboot();
  await expect(version("sim-1")).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(fleet.get("sim-1").counters).toMatchObject({ turnedAway: 1, requests: { version: 0 } });
  expect((await version("sim-2")).status).toBe(200);
});

test("chaos takes exactly its share, evenly spread", async () => {
  await using fleet = await startFleet({
    count: 100,
    addresses: "shared",
    chaos: [{ share: 0.3, script: [{ on: "update", fault: { kind: "status", status: 500 } }] }],
  });
  const spoilt = [...fleet.all()].map((device) => device.faults.pending);
  expect(spoilt.filter(Boolean)).toHaveLength(30);
  expect(spoilt.slice(0, 50).filter(Boolean)).toHaveLength(15);
});

test("2,000 listeners start, answer and are gone after close", async () => {
  const fleet = await startFleet({ count: 2000 });
  const [first, last] = [fleet.devices[0], fleet.devices[1999]];
  expect((await ask(`${last?.address}/version`)).json).toMatchObject({ id: "sim-2000" });
  await using client = new RawClient(first?.address ?? "");
  await expect.poll(() => fleet.open).toBe(1);
  await fleet.close();
  await client.ended;
  expect(fleet.open).toBe(0);
  await expect(ask(`${last?.address}/version`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("an empty fleet is a fleet", async () => {
  await using fleet = await startFleet({ count: 0 });
  expect(fleet.devices).toEqual([]);
});
