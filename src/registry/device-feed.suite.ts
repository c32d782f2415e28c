import { describe, expect, it } from "vitest";
import type { Change, Changes, RegisteredDevice, Registry } from "../core/registry.ts";
import { accept, device, type RegistryDriver, stoppedClock } from "./driver.suite.ts";

const told = (changes: readonly Change<RegisteredDevice>[]) => changes.map(({ change, id }) => `${change} ${id}`);

async function feedOf(registry: Registry): Promise<string> {
  return (await registry.devices.page({}, { limit: 1 })).feed;
}

/** Reads once, and checks each change against what the changes before it had said. */
async function readDevices(
  registry: Registry,
  mirror: Map<string, RegisteredDevice>,
  after: string,
  limit: number,
): Promise<Changes<RegisteredDevice>> {
  const read = await registry.devices.changes(after, { limit });
  expect(read.changes.length).toBeLessThanOrEqual(limit);
  expect(new Set(read.changes.map(({ id }) => id)).size).toBe(read.changes.length);
  for (const change of read.changes) {
    if (change.change === "deleted") {
      mirror.delete(change.id);
      continue;
    }
    const { id, row, revision } = change;
    expect([id, change.change]).toEqual([id, mirror.has(id) ? "updated" : "created"]);
    expect(row.id).toBe(id);
    expect(row.revision).toBeGreaterThanOrEqual(revision);
    mirror.set(id, row);
  }
  return read;
}

/** Reads to the end. */
export async function followDevices(
  registry: Registry,
  mirror: Map<string, RegisteredDevice>,
  from: string,
  limit: number,
): Promise<string> {
  for (let cursor = from; ; ) {
    const read = await readDevices(registry, mirror, cursor, limit);
    if (!read.more) return read.cursor;
    expect(read.cursor).not.toBe(cursor); // or it would never end
    cursor = read.cursor;
  }
}

function testTold(driver: RegistryDriver): void {
  it("tells every reader the same, whatever one of them does to what it was told", async () => {
    await using registry = await driver.open();
    const start = await feedOf(registry);
    await accept(registry.devices, device("a"), device("b"));
    await registry.devices.remove(["b"]);
    await accept(registry.devices, device("c"));
    const before = await registry.devices.changes(start);
    expect(told(before.changes)).toEqual(["created a", "created c"]);
    for (const change of before.changes) Reflect.set(change, "id", "somebody else");
    expect(told((await registry.devices.changes(start)).changes)).toEqual(["created a", "created c"]);
  });

  it("tells created, updated and deleted, each with its row and revision", async () => {
    await using registry = await driver.open();
    let cursor = await feedOf(registry);
    const next = async () => {
      const read = await registry.devices.changes(cursor);
      expect(read.more).toBe(false);
      ({ cursor } = read);
      return read.changes;
    };
    const [created] = await accept(registry.devices, device("a", { name: "one" }));
    expect(await next()).toEqual([
      { change: "created", id: "a", revision: created, row: expect.objectContaining({ id: "a", name: "one" }) },
    ]);
    const [updated] = await accept(registry.devices, device("a", { name: "two" }));
    expect(await next()).toEqual([
      {
        change: "updated",
        id: "a",
        revision: updated,
        row: expect.objectContaining({ name: "two", revision: updated }),
      },
    ]);
    await registry.devices.remove(["a"]);
    const [deleted] = await next();
    expect(deleted).toEqual({ change: "deleted", id: "a", revision: expect.any(Number) });
    expect(deleted?.revision).toBeGreaterThan(updated ?? 0);
    expect(await next()).toEqual([]);
  });

  it("says nothing of what changed nothing", async () => {
    await using registry = await driver.open();
    await accept(registry.devices, device("a"));
    const cursor = await feedOf(registry);
    await registry.devices.put([device("a", { ifRevision: 999_999 }), device("")]);
    await registry.devices.observe([{ id: "a", seenAt: 1, status: "online" }]);
    await registry.devices.remove(["nobody"]);
    expect(await registry.devices.changes(cursor)).toMatchObject({ changes: [], more: false });
  });

  it("folds a row's changes into one that is true", async () => {
    await using registry = await driver.open();
    await accept(registry.devices, device("gone"), device("back"), device("kept"));
    const cursor = await feedOf(registry);
    await accept(registry.devices, device("new"), device("brief"), device("kept", { name: "1" }));
    await accept(registry.devices, device("new", { name: "last" }), device("gone", { name: "1" }));
    await registry.devices.remove(["gone", "back", "brief"]);
    await accept(registry.devices, device("back"), device("kept", { name: "last" }));
    const { changes } = await registry.devices.changes(cursor);
    expect(told(changes)).toEqual(["created new", "deleted gone", "updated back", "updated kept"]);
    const names = changes.flatMap((change) => ("row" in change ? [[change.id, change.row.name]] : []));
    expect(Object.fromEntries(names)).toEqual({ new: "last", back: undefined, kept: "last" });
  });

  it("tells of a row that was gone when its creation was read, and is there again", async () => {
    await using registry = await driver.open();
    const start = await feedOf(registry);
    await accept(registry.devices, device("x"), device("x"));
    await registry.devices.remove(["x"]);
    const first = await registry.devices.changes(start, { limit: 1 });
    await accept(registry.devices, device("x", { name: "again" }));
    const rest = await registry.devices.changes(first.cursor);
    expect([told(first.changes), told(rest.changes)]).toEqual([["created x"], ["updated x"]]);
    expect(rest.changes).toMatchObject([{ row: { name: "again" } }]);
  });

  it("never tells a row as it was before the change, however often it was gone and there again", async () => {
    await using registry = await driver.open();
    let cursor = await feedOf(registry);
    for (const name of ["one", "two", "three"]) {
      await accept(registry.devices, device("x", { name }));
      await registry.devices.remove(["x"]);
    }
    const names: (string | undefined)[] = [];
    for (let more = true; more; ) {
      const read = await registry.devices.changes(cursor, { limit: 1 });
      ({ cursor, more } = read);
      for (const change of read.changes) {
        if (change.change === "deleted") continue;
        expect(change.row.revision).toBeGreaterThanOrEqual(change.revision);
        names.push(change.row.name);
      }
    }
    expect(names.every((name, i) => ["one", "two", "three"].indexOf(name ?? "") >= i)).toBe(true);
  });

  it("goes on from each cursor, as often as one likes, and never tells a change twice", async () => {
    await using registry = await driver.open();
    const start = await feedOf(registry);
    const names = Array.from({ length: 25 }, (_, i) => `d${i}`);
    for (const id of names) await accept(registry.devices, device(id));
    for (const limit of [1, 7, 25, 1_000]) {
      const heard: string[] = [];
      for (let cursor = start, more = true; more; ) {
        const read = await registry.devices.changes(cursor, { limit });
        heard.push(...read.changes.map(({ id }) => id));
        ({ cursor, more } = read);
      }
      expect(heard).toEqual(names);
    }
  });

  it("has 100 changes unless told otherwise", async () => {
    await using registry = await driver.open();
    const start = await feedOf(registry);
    await accept(registry.devices, ...Array.from({ length: 101 }, (_, i) => device(`d${i}`)));
    const read = await registry.devices.changes(start);
    expect([read.changes.length, read.more]).toEqual([100, true]);
  });
}

function testLoss(driver: RegistryDriver): void {
  it("loses nothing to a reader who polls while many write", async () => {
    await using registry = await driver.open();
    let cursor = await feedOf(registry);
    const mirror = new Map<string, RegisteredDevice>();
    let writing = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; i < 40; i += 1) {
        const id = `w${writer}-${i % 5}`;
        if (i % 7 === 6) await registry.devices.remove([id]);
        else
          await accept(registry.devices, device(id, { name: String(i) }), device(`shared`, { name: `${writer}-${i}` }));
        // Gives the reader a turn, even where a driver settles at once.
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const done = Promise.all(writers).finally(() => {
      writing = false;
    });
    let heard = 0;
    while (writing) {
      const read = await readDevices(registry, mirror, cursor, 3);
      cursor = read.cursor;
      heard += read.changes.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    await followDevices(registry, mirror, cursor, 1_000);
    const { items } = await registry.devices.page({}, { limit: 1_000 });
    expect(heard).toBeGreaterThan(0);
    expect([...mirror.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(items);
  });
}

/** What a reader has who asks for rows updated later than the latest one it knows. */
class NaiveReader {
  readonly known = new Map<string, number>();
  #latest = 0;

  async read(registry: Registry): Promise<void> {
    const { items } = await registry.devices.page({}, { limit: 1_000 });
    const news = items.filter((row) => row.updatedAt > this.#latest);
    for (const row of news) {
      this.known.set(row.id, row.revision);
      this.#latest = Math.max(this.#latest, row.updatedAt);
    }
  }
}

function testAgainstNaive(driver: RegistryDriver): void {
  it("loses nothing where a cursor of dates does: in one millisecond, and when the clock steps back", async () => {
    const clock = stoppedClock();
    await using registry = await driver.open({ clock });
    const naive = new NaiveReader();
    const mirror = new Map<string, RegisteredDevice>();
    let cursor = await feedOf(registry);
    const step = async (id: string, by: number) => {
      clock.time += by;
      await accept(registry.devices, device(id));
      await naive.read(registry);
      cursor = await followDevices(registry, mirror, cursor, 2);
    };
    await step("first", 0);
    await step("same millisecond", 0);
    await step("later", 1);
    await step("clock stepped back", -1_000);
    await step("first", 500);
    expect([...naive.known.keys()]).toEqual(["first", "later"]);
    const { items } = await registry.devices.page();
    expect([...mirror.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(items);
    expect(naive.known.get("first")).not.toBe(mirror.get("first")?.revision);
  });
}

export function testDeviceFeed(driver: RegistryDriver): void {
  describe("changes", () => {
    testTold(driver);
    testLoss(driver);
    testAgainstNaive(driver);
  });
}
