import { describe, expect, it } from "vitest";
import type { DeviceInput } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, type RegistryDriver, stoppedClock } from "./driver.suite.ts";

const full: DeviceInput = {
  id: "pos-001",
  address: "https://pos.example:8443",
  name: "Till 1",
  delivery: "tus",
  probe: "http",
  profile: { send: { path: "/up" }, inspect: false },
  pins: ["sha256/AAAA"],
  group: "tills",
  tags: ["berlin", "beta"],
  site: "berlin-3",
  location: "Ground floor",
  metadata: { owner: "ops", note: "two\nlines" },
};

const malformed: readonly (readonly [what: string, result: string, row: unknown])[] = [
  ["no object", "invalid_device", null],
  ["no id", "invalid_device", { address: "http://a" }],
  ["an empty id", "invalid_device", device("")],
  ["a long id", "invalid_device", device("x".repeat(257))],
  ["a control in the id", "invalid_device", device("a\nb")],
  ["a NUL in the id", "invalid_device", device("a\0b")],
  ["a bidirectional mark in the id", "invalid_device", device("a\u202Eb")],
  ["half a surrogate pair in the id", "invalid_device", device("a\uD800")],
  ["an id that is a number", "invalid_device", { id: 7, address: "http://a" }],
  ["no address", "invalid_address", { id: "a" }],
  ["a bare address", "invalid_address", { id: "a", address: "10.0.0.1" }],
  ["another scheme", "invalid_address", { id: "a", address: "ftp://a" }],
  ["a path", "invalid_address", { id: "a", address: "http://a/b" }],
  ["a query", "invalid_address", { id: "a", address: "http://a?b" }],
  ["credentials", "invalid_address", { id: "a", address: "http://u:hush-hush@a" }],
  ["an address with a space", "invalid_address", { id: "a", address: "http://a b" }],
  ["a long address", "invalid_address", { id: "a", address: `http://${"a".repeat(2_048)}` }],
  ["an empty group", "invalid_group", device("a", { group: "" })],
  ["an empty name", "invalid_device", device("a", { name: "" })],
  ["a long site", "invalid_device", device("a", { site: "s".repeat(257) })],
  ["a control in the location", "invalid_device", device("a", { location: "\u001b[31m" })],
  ["tags that are no list", "invalid_device", { ...device("a"), tags: "beta" }],
  ["an empty tag", "invalid_device", device("a", { tags: [""] })],
  ["too many tags", "invalid_device", device("a", { tags: Array.from({ length: 65 }, (_, i) => `t${i}`) })],
  ["too many pins", "invalid_device", device("a", { pins: Array.from({ length: 17 }, (_, i) => `p${i}`) })],
  ["metadata that is a list", "invalid_device", { ...device("a"), metadata: ["a"] }],
  ["metadata that is no text", "invalid_device", { ...device("a"), metadata: { a: 1 } }],
  ["long metadata", "invalid_device", device("a", { metadata: { a: "x".repeat(4_097) } })],
  ["a prototype in metadata", "invalid_device", { ...device("a"), metadata: JSON.parse('{"__proto__":"x"}') }],
  [
    "a prototype in the profile",
    "invalid_profile",
    { ...device("a"), profile: JSON.parse('{"send":{"__proto__":{}}}') },
  ],
  ["a profile of an unknown purpose", "invalid_profile", { ...device("a"), profile: { sned: {} } }],
  ["a profile with a function", "invalid_profile", { ...device("a"), profile: { send: { path: () => "/" } } }],
  ["a profile that is too large", "invalid_profile", device("a", { profile: { send: { path: "x".repeat(65_537) } } })],
  ["a profile that nobody put", "invalid_profile", device("a", { profileId: "nobody" })],
  ["a revision that is none", "invalid_device", { ...device("a"), ifRevision: -1 }],
];

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

function testDoor(driver: RegistryDriver): void {
  describe("at the door", () => {
    it.each(malformed)("refuses %s: %s", async (_, result, row) => {
      await using registry = await driver.open();
      const [put] = await registry.devices.put([row as DeviceInput]);
      expect(put).toMatchObject({ result, reason: expect.stringMatching(/ must /) });
      expect(JSON.stringify(put)).not.toContain("hush-hush");
      expect((await registry.devices.page()).items).toEqual([]);
      expect(({} as { x?: unknown }).x).toBeUndefined();
    });

    it("takes what just fits, in any script", async () => {
      await using registry = await driver.open();
      const rows = [
        device("x".repeat(256)),
        device("\u{1F600}".repeat(256)),
        device("Kasse Köln №7 – 東京"),
        device("constructor", { metadata: { constructor: "a", toString: "b", hasOwnProperty: "c" } }),
        device("a", { tags: Array.from({ length: 64 }, (_, i) => `t${i}`), metadata: { a: "x".repeat(4_096) } }),
      ];
      await accept(registry.devices, ...rows);
      const found = await registry.devices.getMany(rows.map(({ id }) => id));
      for (const row of rows) expect(found.get(row.id)).toMatchObject(row);
    });

    it("keeps a repeated tag once", async () => {
      await using registry = await driver.open();
      await accept(registry.devices, device("a", { tags: ["x", "y", "x"] }));
      expect((await registry.devices.getMany(["a"])).get("a")?.tags).toEqual(["x", "y"]);
    });

    it("takes no override for a base profile", async () => {
      await using registry = await driver.open();
      await accept(registry.profiles, { id: "p", name: "P" }, { id: "o", name: "O", parent: "p" });
      const [good, bad] = await registry.devices.put([
        device("a", { profileId: "p" }),
        device("b", { profileId: "o" }),
      ]);
      expect([good?.result, bad?.result]).toEqual(["created", "invalid_profile"]);
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
  testDoor(driver);
  testRemove(driver);
}
