import { describe, expect, it } from "vitest";
import type { ProfileFilter, ProfileInput, ProfileItem, Registry } from "../core/registry.ts";
import {
  accept,
  device,
  expectCode,
  isDeeplyFrozen,
  type RegistryDriver,
  readAll,
  stoppedClock,
} from "./driver.suite.ts";

const full: ProfileInput = {
  id: "pos",
  name: "Tills",
  description: "All tills.\nSecond line.",
  delivery: "http",
  requests: {
    send: { method: "PUT", path: "/fw" },
    inspect: { path: "/info", pointer: "/version", also: { slot: "/slot" } },
    health: false,
  },
  items: [
    { purpose: "send", kind: "header", name: "x-key", value: "1" },
    { purpose: "send", kind: "query", name: "Force", value: "", enabled: false },
    { purpose: "inspect", kind: "check", name: "", value: "ok" },
    { purpose: "inspect", kind: "form", name: "a", enabled: true },
  ],
};

const base = (id: string, more: Partial<ProfileInput> = {}): ProfileInput => ({ id, name: id, ...more });
const under = (parent: string, id: string, more: Partial<ProfileInput> = {}) => base(id, { parent, ...more });
const item = (name: string, more: Partial<ProfileItem> = {}): ProfileItem => {
  return { purpose: "send", kind: "header", name, value: "v", ...more };
};

const malformed: readonly (readonly [result: string, row: unknown])[] = [
  ["invalid_profile", null],
  ["invalid_profile", base("")],
  ["invalid_profile", base("a\u0000")],
  ["invalid_profile", base("a", { name: "" })],
  ["invalid_profile", { id: "a" }],
  ["invalid_profile", base("a", { description: "x".repeat(4_097) })],
  ["invalid_profile", base("a", { delivery: "" })],
  ["invalid_profile", { ...base("a"), requests: [] }],
  ["invalid_profile", { ...base("a"), requests: { sned: {} } }],
  ["invalid_profile", { ...base("a"), requests: { send: false } }],
  ["invalid_profile", { ...base("a"), requests: { send: { method: "post" } } }],
  ["invalid_profile", { ...base("a"), requests: { send: { path: "http://evil/" } } }],
  ["invalid_profile", { ...base("a"), requests: { send: { headers: { a: "1" } } } }],
  ["invalid_profile", { ...base("a"), requests: { inspect: { pointer: "/a", text: true } } }],
  ["invalid_profile", { ...base("a"), requests: { inspect: { pointer: "a" } } }],
  ["invalid_profile", { ...base("a"), requests: { inspect: { pattern: "(" } } }],
  ["invalid_profile", { ...base("a"), requests: { inspect: { also: { slot: 1 } } } }],
  ["invalid_profile", { ...base("a"), requests: JSON.parse('{"send":{"__proto__":{"x":1}}}') }],
  ["invalid_profile", { ...base("a"), requests: { send: { path: `/${"x".repeat(2_048)}` } } }],
  ["invalid_profile", { ...base("a"), items: {} }],
  ["invalid_profile", { ...base("a"), items: [null] }],
  ["invalid_profile", { ...base("a"), items: [item("a", { purpose: "all" as "send" })] }],
  ["invalid_profile", { ...base("a"), items: [item("a", { kind: "cookie" as "header" })] }],
  ["invalid_profile", base("a", { items: [item("a b")] })],
  ["invalid_profile", base("a", { items: [item("a", { value: "x\r\ny: z" })] })],
  ["invalid_profile", base("a", { items: [item("")] })],
  ["invalid_profile", base("a", { items: [item("", { kind: "query" })] })],
  ["invalid_profile", base("a", { items: [item("version", { kind: "check" })] })],
  ["invalid_profile", base("a", { items: [item("__proto__", { kind: "form" })] })],
  ["invalid_profile", { ...base("a"), items: [{ ...item("a"), enabled: "no" }] }],
  ["invalid_profile", { ...base("a"), items: [{ ...item("a"), value: 1 }] }],
  ["invalid_profile", base("a", { items: [item("X-Key"), item("x-key")] })],
  ["invalid_profile", base("a", { items: Array.from({ length: 257 }, (_, i) => item(`h${i}`)) })],
  ["invalid_profile", { ...base("a"), ifRevision: 0.5 }],
  ["invalid_parent", base("a", { parent: "" })],
  ["invalid_parent", under("nobody", "a")],
  ["invalid_parent", under("a", "a")],
  ["invalid_scope", base("a", { scope: "device", device: "d" })],
  ["invalid_scope", { ...under("p", "a"), scope: "site" }],
  ["invalid_group", under("p", "a", { scope: "group" })],
  ["invalid_group", under("p", "a", { scope: "group", group: "" })],
  ["invalid_group", under("p", "a", { group: "g" })],
  ["invalid_device", under("p", "a", { scope: "device" })],
  ["invalid_device", under("p", "a", { scope: "device", device: "nobody" })],
  ["invalid_device", under("p", "a", { scope: "group", group: "g", device: "d" })],
  ["invalid_scope", under("g", "a")],
  ["invalid_scope", under("g", "a", { scope: "group", group: "other" })],
  ["invalid_scope", under("d", "a", { scope: "group", group: "g" })],
  ["invalid_scope", under("d", "a", { scope: "device", device: "two" })],
];

/** Devices one and two, a base p, and below it an override each for a group and for device one. */
async function plant(registry: Registry): Promise<void> {
  await accept(registry.devices, device("one", { group: "g" }), device("two"));
  await accept(
    registry.profiles,
    base("p"),
    under("p", "g", { scope: "group", group: "g" }),
    under("p", "d", { scope: "device", device: "one" }),
  );
}

function testRows(driver: RegistryDriver): void {
  it("gives back what was put, with its defaults, dated and frozen", async () => {
    const clock = stoppedClock();
    await using registry = await driver.open({ clock });
    const revisions = await accept(registry.profiles, full, base("plain"));
    const dates = { createdAt: clock.time, updatedAt: clock.time };
    const found = await registry.profiles.getMany(["plain", "nobody", "pos"]);
    expect(found.get("pos")).toEqual({ ...full, scope: "fleet", ...dates, revision: revisions[0] });
    const defaults = { scope: "fleet", requests: {}, items: [] };
    expect(found.get("plain")).toEqual({ ...base("plain"), ...defaults, ...dates, revision: revisions[1] });
    expect(found.size).toBe(2);
    expect(isDeeplyFrozen(found.get("pos"))).toBe(true);
  });

  it("replaces a row whole, and takes one that was read back", async () => {
    const clock = stoppedClock();
    await using registry = await driver.open({ clock });
    const [first = 0] = await accept(registry.profiles, full);
    clock.time += 5;
    const row = (await registry.profiles.getMany(["pos"])).get("pos");
    const [second = 0] = await accept(registry.profiles, { ...row, id: "pos", name: "Renamed" });
    const renamed = (await registry.profiles.getMany(["pos"])).get("pos");
    expect(second).toBeGreaterThan(first);
    expect(renamed).toEqual({ ...row, name: "Renamed", updatedAt: clock.time, revision: second });
    await accept(registry.profiles, base("pos"));
    expect((await registry.profiles.getMany(["pos"])).get("pos")).toMatchObject({
      name: "pos",
      requests: {},
      items: [],
    });
    expect((await registry.profiles.getMany(["pos"])).get("pos")).not.toHaveProperty("description");
  });

  it("keeps header names in lower case, and all others as they are", async () => {
    await using registry = await driver.open();
    await accept(registry.profiles, base("a", { items: [item("X-Key"), item("X-Key", { kind: "form" })] }));
    const row = (await registry.profiles.getMany(["a"])).get("a");
    expect(row?.items.map(({ name }) => name)).toEqual(["x-key", "X-Key"]);
  });

  it("writes on a matching revision only", async () => {
    await using registry = await driver.open();
    const put = async (row: ProfileInput) => (await registry.profiles.put([row]))[0];
    expect(await put(base("a", { ifRevision: 1 }))).toEqual({ id: "a", result: "conflict", revision: 0 });
    const [created = 0] = await accept(registry.profiles, base("a", { ifRevision: 0 }));
    expect(await put(base("a", { ifRevision: 0 }))).toEqual({ id: "a", result: "conflict", revision: created });
    const [updated = 0] = await accept(registry.profiles, base("a", { ifRevision: created }));
    expect(await put(base("a", { ifRevision: created }))).toEqual({ id: "a", result: "conflict", revision: updated });
  });

  it.each(malformed)("answers %s to %j", async (result, row) => {
    await using registry = await driver.open();
    await plant(registry);
    const before = await registry.profiles.page();
    const [bad, good] = await registry.profiles.put([row as ProfileInput, base("z")]);
    expect(bad).toMatchObject({ result, reason: expect.stringMatching(/must|is|are|fixed|repeats|needed|at most/) });
    expect(good?.result).toBe("created");
    const after = await registry.profiles.page();
    expect(after.items.filter(({ id }) => id !== "z")).toEqual(before.items);
  });

  it("takes a parent and its children in one batch, 32 deep and no deeper", async () => {
    await using registry = await driver.open();
    const chain = Array.from({ length: 32 }, (_, i) => under(i === 0 ? "root" : `o${i}`, `o${i + 1}`));
    await accept(registry.profiles, base("root"), ...chain);
    const [tooDeep] = await registry.profiles.put([under("o32", "o33")]);
    expect(tooDeep).toMatchObject({ id: "o33", result: "invalid_parent" });
  });

  it("leaves a row where it was created", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(registry.profiles, base("q"));
    const moved = [under("q", "g", { scope: "group", group: "g" }), base("g"), under("q", "p")];
    const changed = [
      under("p", "g"),
      under("p", "g", { scope: "group", group: "h" }),
      under("p", "d", { scope: "device", device: "two" }),
    ];
    const results = await registry.profiles.put([...moved, ...changed]);
    const expected = [...moved.map(() => "invalid_parent"), ...changed.map(() => "invalid_scope")];
    expect(results.map(({ result }) => result)).toEqual(expected);
  });
}

function testRemoval(driver: RegistryDriver): void {
  it("removes the whole override tree, and tells each row", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(
      registry.profiles,
      under("g", "g1", { scope: "group", group: "g" }),
      under("g1", "g2", { scope: "device", device: "two" }),
    );
    await accept(registry.profiles, base("q"), under("q", "q1"));
    const { feed } = await registry.profiles.page();
    expect(await registry.profiles.remove(["g", "nobody"])).toEqual({ removed: 3, inUse: [] });
    expect((await registry.profiles.page()).items.map(({ id }) => id)).toEqual(["d", "p", "q", "q1"]);
    expect(await registry.profiles.remove(["p", "d"])).toEqual({ removed: 2, inUse: [] });
    const { changes } = await registry.profiles.changes(feed);
    expect(changes.map(({ change, id }) => `${change} ${id}`).sort()).toEqual(
      ["d", "g", "g1", "g2", "p"].map((id) => `deleted ${id}`),
    );
  });

  it("leaves a base profile that a device names, and all below it", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(registry.devices, device("one", { profileId: "p" }), device("two", { profileId: "p" }));
    await accept(registry.profiles, base("q"));
    expect(await registry.profiles.remove(["p", "q", "p"])).toEqual({ removed: 1, inUse: ["p"] });
    await registry.devices.remove(["one"]);
    expect(await registry.profiles.remove(["p"])).toEqual({ removed: 0, inUse: ["p"] });
    await accept(registry.devices, device("two"));
    expect(await registry.profiles.remove(["p"])).toEqual({ removed: 2, inUse: [] });
  });

  it("removes with a device what was made for it", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(registry.profiles, under("d", "d1", { scope: "device", device: "one" }));
    const { feed } = await registry.profiles.page();
    expect(await registry.devices.remove(["one"])).toBe(1);
    expect((await registry.profiles.page()).items.map(({ id }) => id)).toEqual(["g", "p"]);
    const { changes } = await registry.profiles.changes(feed);
    expect(changes.map(({ change, id }) => `${change} ${id}`).sort()).toEqual(["deleted d", "deleted d1"]);
    await accept(registry.devices, device("one"));
    expect((await registry.profiles.page()).items.map(({ id }) => id)).toEqual(["g", "p"]);
  });
}

function testReading(driver: RegistryDriver): void {
  const filters: readonly (readonly [filter: ProfileFilter, ids: string[]])[] = [
    [{}, ["d", "f", "g", "p", "q"]],
    [{ ids: ["q", "g", "nobody"] }, ["g", "q"]],
    [{ kind: "base" }, ["p", "q"]],
    [{ kind: "override" }, ["d", "f", "g"]],
    [{ parent: "p" }, ["d", "f", "g"]],
    [{ parent: "nobody" }, []],
    [{ scope: "fleet" }, ["f", "p", "q"]],
    [{ scope: "group" }, ["g"]],
    [{ group: "g" }, ["g"]],
    [{ device: "one" }, ["d"]],
    [{ delivery: "tus" }, ["f", "q"]],
    [{ delivery: "tus", kind: "base" }, ["q"]],
  ];

  it.each(filters)("%j selects %j, in pages of any size", async (filter, ids) => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(registry.profiles, under("p", "f", { delivery: "tus" }), base("q", { delivery: "tus" }));
    for (const limit of [1, 2, 50]) {
      const { items } = await readAll(
        (after) => registry.profiles.page(filter, { limit, ...(after && { after }) }),
        limit,
      );
      expect(items.map(({ id }) => id)).toEqual(ids);
    }
    expect((await registry.profiles.page(filter, { offset: 1 })).items.map(({ id }) => id)).toEqual(ids.slice(1));
  });

  it.each([{ name: "p" }, { kind: "both" }, { scope: "site" }, { parent: null }, { ids: "p" }])(
    "refuses %j",
    async (filter) => {
      await using registry = await driver.open();
      await expectCode(registry.profiles.page(filter as unknown as ProfileFilter), "invalid_option");
    },
  );

  it("tells the direct overrides changed since a cursor, and only those", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await accept(registry.profiles, base("q"));
    const { feed } = await registry.profiles.page();
    const since = async (parents: string[], after: string, limit = 100) => {
      const read = await registry.profiles.overridesSince(parents, after, { limit });
      return { ...read, told: read.changes.map(({ change, id }) => `${change} ${id}`) };
    };
    expect(await since(["p"], feed)).toMatchObject({ told: [], more: false });
    const ten = Array.from({ length: 10 }, (_, i) => under("p", `o${i}`));
    await accept(registry.profiles, ...ten, under("q", "q1"), under("o1", "deep"), base("p"), base("r"));
    expect((await since(["p"], feed)).told).toEqual(ten.map(({ id }) => `created ${id}`));
    expect((await since(["nobody", "q", "o1"], feed)).told).toEqual(["created q1", "created deep"]);
    const part = await since(["p"], feed, 4);
    expect([part.told.length, part.more]).toEqual([4, true]);
    const rest = await since(["p"], part.cursor, 100);
    expect(rest.told).toEqual(ten.slice(4).map(({ id }) => `created ${id}`));
    await accept(registry.profiles, under("p", "g", { scope: "group", group: "g", name: "again" }));
    await registry.profiles.remove(["o9", "q1"]);
    expect((await since(["p"], rest.cursor)).told).toEqual(["updated g", "deleted o9"]);
    expect((await since(["q"], rest.cursor)).told).toEqual(["deleted q1"]);
    const whole = await registry.profiles.changes(rest.cursor);
    expect(whole.changes.map(({ change, id }) => `${change} ${id}`)).toEqual(["updated g", "deleted o9", "deleted q1"]);
  });

  it("gives the items of one kind, in order, for many", async () => {
    await using registry = await driver.open();
    const items = ["b", "a", "c"].map((name) => item(name));
    await accept(registry.profiles, base("p", { items: [...items, item("q", { kind: "query" })] }), base("none"));
    const found = await registry.profiles.items(["none", "p", "nobody"], "header");
    expect(Object.fromEntries(found)).toEqual({ none: [], p: items });
    expect((await registry.profiles.items(["p"], "query")).get("p")).toEqual([item("q", { kind: "query" })]);
    await expectCode(registry.profiles.items(["p"], "cookie" as "header"), "invalid_option");
  });

  it("counts", async () => {
    await using registry = await driver.open();
    const nothing = { profiles: 0, overrides: { fleet: 0, group: 0, device: 0 }, items: 0, revision: 0 };
    expect(await registry.profiles.metrics()).toEqual(nothing);
    await plant(registry);
    await accept(
      registry.profiles,
      under("p", "f", { items: [item("a"), item("b")] }),
      base("q", { items: [item("c")] }),
    );
    const [revision] = await accept(registry.profiles, under("p", "f", { items: [item("a")] }));
    const overrides = { fleet: 1, group: 1, device: 1 };
    expect(await registry.profiles.metrics()).toEqual({ profiles: 2, overrides, items: 2, revision });
    await registry.profiles.remove(["p"]);
    const left = await registry.profiles.metrics();
    expect(left).toEqual({ ...nothing, profiles: 1, items: 1, revision: left.revision });
    expect(left.revision).toBeGreaterThan(revision ?? 0);
    await registry.devices.put([device("three")]);
    expect((await registry.profiles.metrics()).revision).toBe(left.revision);
  });
}

/** Profiles row by row: what is taken, what is given back, what is refused. */
export function testProfileRows(driver: RegistryDriver): void {
  describe("rows", () => testRows(driver));
  describe("remove", () => testRemoval(driver));
  describe("reading", () => testReading(driver));
}
