import { describe, expect, it } from "vitest";
import type { ProfileFilter } from "../core/registry.ts";
import { accept, device, expectCode, type RegistryDriver, readAll } from "./driver.suite.ts";
import { base, item, plant, under } from "./profiles.suite.ts";

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

  it("removes a tree at once, children before their parents, each at a revision of its own", async () => {
    await using registry = await driver.open();
    const wide = Array.from({ length: 250 }, (_, i) => under("p", `w${i}`, { items: [item("a")] }));
    const deep = Array.from({ length: 20 }, (_, i) => under(i === 0 ? "p" : `n${i - 1}`, `n${i}`));
    await accept(registry.profiles, base("p"), ...wide, ...deep, base("q"), under("q", "q1"));
    const { feed } = await registry.profiles.page();
    let isDone = false;
    const removal = registry.profiles.remove(["nobody", "p", "n3", "p", "q1"]).finally(() => {
      isDone = true;
    });
    const seen = new Set<number>();
    while (!isDone) {
      seen.add((await registry.profiles.metrics()).overrides.fleet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await removal).toEqual({ removed: 272, inUse: [] });
    const metrics = await registry.profiles.metrics();
    expect([...seen].filter((count) => count !== 271 && count !== 0)).toEqual([]);
    expect(metrics).toMatchObject({ profiles: 1, overrides: { fleet: 0, group: 0, device: 0 }, items: 0 });
    const { changes } = await registry.profiles.changes(feed, { limit: 1_000 });
    const revisions = changes.map(({ revision }) => revision);
    expect(revisions).toEqual(Array.from({ length: 272 }, (_, i) => metrics.revision - 271 + i));
    const order = changes.map(({ id }) => id);
    const ofDeep = order.filter((id) => id.startsWith("n"));
    expect(ofDeep).toEqual(Array.from({ length: 20 }, (_, i) => `n${19 - i}`));
    expect(order.slice(-2)).toEqual(["p", "q1"]);
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

  it("leaves what was once made for a removed device, and is for others since", async () => {
    await using registry = await driver.open();
    await plant(registry);
    await registry.profiles.remove(["d"]);
    await accept(registry.profiles, under("p", "d", { scope: "group", group: "g" }));
    await registry.devices.remove(["one"]);
    expect((await registry.profiles.page()).items.map(({ id }) => id)).toEqual(["d", "g", "p"]);
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

/** Profiles together: what goes with what, and how they are listed, followed and counted. */
export function testProfileTrees(driver: RegistryDriver): void {
  describe("remove", () => testRemoval(driver));
  describe("reading", () => testReading(driver));
}
