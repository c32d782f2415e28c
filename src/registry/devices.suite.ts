import { describe, expect, it } from "vitest";
import type { DeviceInput } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, type RegistryDriver, stoppedClock } from "./driver.suite.ts";

const full: DeviceInput = {
  id: "pos-001",
  address: "https://pos.example:8443",
  name: "Till 1",
  delivery: "tus",
  probe: "http",
  profile: { send: { path: "/up" }, inspect: false, options: { chunkSize: 1_024 } },
  pins: ["sha256/AAAA"],
  group: "tills",
  tags: ["berlin", "beta"],
  site: "berlin-3",
  location: "Ground floor",
  metadata: { owner: "ops", note: "two\nlines" },
};

function testPut(driver: RegistryDriver): void {
  describe("put and getMany", () => {
    it("gives back what was put, dated, and nothing for unknown ids", async () => {
      const clock = stoppedClock();
      await using registry = await driver.open({ clock });
      const [revision = 0] = await accept(registry.devices, full);
      const found = await registry.devices.getMany(["nobody", full.id, full.id]);
      const dates = { createdAt: clock.time, updatedAt: clock.time };
      expect([...found]).toEqual([[full.id, { ...full, status: "unknown", revision, ...dates }]]);
      expect(revision).toBeGreaterThanOrEqual(1);
      expect(await registry.devices.getMany([])).toEqual(new Map());
    });

    it("replaces registered fields whole and keeps observed ones", async () => {
      const clock = stoppedClock();
      await using registry = await driver.open({ clock });
      const [first = 0] = await accept(registry.devices, full);
      await registry.devices.observe([{ id: full.id, seenAt: 5, status: "online", firmware: "1.0.0" }]);
      const createdAt = clock.time;
      clock.time += 1_000;
      const put = await registry.devices.put([{ id: full.id, address: "http://b" }]);
      const row = (await registry.devices.getMany([full.id])).get(full.id);
      const seen = { status: "online", lastSeen: 5, firmware: "1.0.0" };
      expect(put).toEqual([{ id: full.id, result: "updated", revision: row?.revision }]);
      expect(row).toEqual({
        id: full.id,
        address: "http://b",
        ...seen,
        createdAt,
        updatedAt: clock.time,
        revision: row?.revision,
      });
      expect(row?.revision).toBeGreaterThan(first);
    });

    it("takes a row that was read back, and leaves the registry's own fields to the registry", async () => {
      await using registry = await driver.open({ clock: stoppedClock() });
      await accept(registry.devices, full);
      const row = (await registry.devices.getMany([full.id])).get(full.id);
      await accept(registry.devices, {
        ...row,
        id: full.id,
        address: full.address,
        status: "online",
        createdAt: 1,
      } as DeviceInput);
      const again = (await registry.devices.getMany([full.id])).get(full.id);
      expect(again).toEqual({ ...row, revision: again?.revision });
    });

    it("writes on a matching revision only, and tells the loser what is there", async () => {
      await using registry = await driver.open();
      const put = async (row: DeviceInput) => (await registry.devices.put([row]))[0];
      expect(await put(device("a", { ifRevision: 3 }))).toEqual({ id: "a", result: "conflict", revision: 0 });
      const [created = 0] = await accept(registry.devices, device("a", { ifRevision: 0, name: "one" }));
      expect(await put(device("a", { ifRevision: 0 }))).toEqual({ id: "a", result: "conflict", revision: created });
      const [updated = 0] = await accept(registry.devices, device("a", { ifRevision: created, name: "two" }));
      expect(await put(device("a", { ifRevision: created }))).toEqual({
        id: "a",
        result: "conflict",
        revision: updated,
      });
      expect((await registry.devices.getMany(["a"])).get("a")).toMatchObject({ name: "two", revision: updated });
    });

    it("lets exactly one of many writers win on one revision", async () => {
      await using registry = await driver.open();
      const [revision = 0] = await accept(registry.devices, device("a"));
      const names = Array.from({ length: 8 }, (_, i) => `writer ${i}`);
      const puts = await Promise.all(
        names.map(async (name) => (await registry.devices.put([device("a", { name, ifRevision: revision })]))[0]),
      );
      const winner = puts.findIndex((put) => put?.result === "updated");
      expect(puts.filter((put) => put?.result === "conflict")).toHaveLength(7);
      expect((await registry.devices.getMany(["a"])).get("a")?.name).toBe(names[winner]);
    });

    it("applies a batch in order, and one bad row keeps no other out", async () => {
      await using registry = await driver.open();
      const rows = [device("b", { name: "one" }), device(""), device("b", { name: "two" }), device("a")];
      const results = await registry.devices.put(rows);
      expect(results.map(({ id, result }) => [id, result])).toEqual([
        ["b", "created"],
        ["", "invalid_device"],
        ["b", "updated"],
        ["a", "created"],
      ]);
      expect((await registry.devices.getMany(["b"])).get("b")?.name).toBe("two");
      expect(await registry.devices.put([])).toEqual([]);
    });

    it("keeps its rows from those who put or read them, and shares equal profiles", async () => {
      await using registry = await driver.open();
      const input = structuredClone(full) as { tags: string[]; metadata: Record<string, string> } & DeviceInput;
      await accept(registry.devices, input, { ...structuredClone(full), id: "pos-002" });
      input.tags.push("late");
      input.metadata["owner"] = "nobody";
      const found = await registry.devices.getMany(["pos-001", "pos-002"]);
      const [one, two] = [found.get("pos-001"), found.get("pos-002")];
      expect([one?.tags, one?.metadata]).toEqual([full.tags, full.metadata]);
      expect(isDeeplyFrozen(one)).toBe(true);
      expect(one?.profile).toBeDefined();
      expect(one?.profile).toBe(two?.profile);
      expect((await registry.devices.getMany(["pos-001"])).get("pos-001")?.profile).toBe(two?.profile);
    });
  });
}

function testRemove(driver: RegistryDriver): void {
  describe("remove", () => {
    it("counts what was there, each once", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a"), device("b"), device("c"));
      expect(await registry.devices.remove(["a", "a", "nobody", "c"])).toBe(2);
      expect((await registry.devices.page()).items.map(({ id }) => id)).toEqual(["b"]);
      expect(await registry.devices.remove(["a"])).toBe(0);
    });

    it("forgets what was observed: the same id again is another device", async () => {
      const clock = stoppedClock();
      await using registry = await driver.open({ clock });
      const [before = 0] = await accept(registry.devices, device("a"));
      await registry.devices.observe([{ id: "a", seenAt: 9, status: "online", firmware: "3.0.0" }]);
      await registry.devices.remove(["a"]);
      clock.time += 1;
      const [revision = 0] = await accept(registry.devices, device("a"));
      expect(revision).toBeGreaterThan(before);
      const row = (await registry.devices.getMany(["a"])).get("a");
      const dates = { createdAt: clock.time, updatedAt: clock.time };
      expect(row).toEqual({ ...device("a"), status: "unknown", revision, ...dates });
      await registry.devices.observe([{ id: "a", seenAt: 4, firmware: "1.0.0" }]);
      expect((await registry.devices.getMany(["a"])).get("a")).toMatchObject({ firmware: "1.0.0", lastSeen: 4 });
    });
  });
}

/** Devices one by one: what is taken, what is given back, what is refused. */
export function testDeviceRows(driver: RegistryDriver): void {
  testPut(driver);
  testRemove(driver);
}
