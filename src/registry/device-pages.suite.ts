import { describe, expect, it } from "vitest";
import type { PageOptions, RegisteredDevice, Registry } from "../core/registry.ts";
import { accept, device, expectCode, type RegistryDriver, readAll, spoiltCursors } from "./driver.suite.ts";

const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);
const numbered = (count: number) => Array.from({ length: count }, (_, i) => device(`d${String(i).padStart(4, "0")}`));

function testOrder(driver: RegistryDriver): void {
  it("goes by code point, as UTF-8 does, whatever the order of puts", async () => {
    await using registry = await driver.open();
    const sorted = ["A", "B", "a", "a b", "a-", "a0", "aa", "z", "é", "\uD7FF", "\uFB01", "\u{1F600}", "\u{20000}"];
    const printable = sorted.filter((id) => !/\p{C}/u.test(id));
    await accept(registry.devices, ...[...printable].reverse().map((id) => device(id)));
    const { items } = await readAll((after) => registry.devices.page({}, { limit: 2, ...(after && { after }) }), 2);
    expect(ids(items)).toEqual(printable);
    const some = await registry.devices.page({ ids: [...printable].reverse() });
    expect(ids(some.items)).toEqual(printable);
  });

  it("has a next exactly when there is more, and 100 rows unless told otherwise", async () => {
    await using registry = await driver.open();
    expect(await registry.devices.page()).toEqual({ items: [], feed: expect.any(String) });
    await accept(registry.devices, ...numbered(100));
    const whole = await registry.devices.page();
    expect(whole.items).toHaveLength(100);
    expect(whole.next).toBeUndefined();
    await accept(registry.devices, device("e"));
    const first = await registry.devices.page();
    expect(first.items).toHaveLength(100);
    const second = await registry.devices.page({}, { after: first.next ?? "" });
    expect(ids(second.items)).toEqual(["e"]);
    expect(second.next).toBeUndefined();
  });

  it("skips by offset, and goes on by cursor", async () => {
    await using registry = await driver.open();
    await accept(registry.devices, ...numbered(10));
    const page = await registry.devices.page({}, { offset: 4, limit: 3 });
    expect(ids(page.items)).toEqual(["d0004", "d0005", "d0006"]);
    const next = await registry.devices.page({}, { after: page.next ?? "", limit: 3 });
    expect(ids(next.items)).toEqual(["d0007", "d0008", "d0009"]);
    expect(next.next).toBeUndefined();
    expect(await registry.devices.page({}, { offset: 10 })).toMatchObject({ items: [] });
  });

  it.each<PageOptions>([
    { limit: 0 },
    { limit: 1_001 },
    { limit: 1.5 },
    { limit: Number.NaN },
    { offset: -1 },
    { offset: 0.5 },
  ])("refuses %j", async (options) => {
    await using registry = await driver.open();
    await expectCode(registry.devices.page({}, options), "invalid_option");
    const { feed } = await registry.devices.page();
    if (options.limit !== undefined)
      await expectCode(registry.devices.changes(feed, { limit: options.limit }), "invalid_option");
  });
}

function testCursors(driver: RegistryDriver): void {
  const open = async (): Promise<{ registry: Registry; next: string; feed: string }> => {
    const registry = await driver.open();
    await accept(registry.devices, ...numbered(5).map((row) => ({ ...row, site: "s", tags: ["x"] })));
    await accept(registry.profiles, { id: "p", name: "P" }, { id: "q", name: "Q" });
    const { next = "", feed } = await registry.devices.page({ site: "s", tags: ["x"] }, { limit: 2 });
    expect(next).not.toBe("");
    return { registry, next, feed };
  };

  it("binds a cursor to its filter, not to its limit", async () => {
    const { registry, next } = await open();
    await using _ = registry;
    const page = await registry.devices.page({ tags: ["x"], site: "s" }, { after: next, limit: 3 });
    expect(ids(page.items)).toEqual(["d0002", "d0003", "d0004"]);
    for (const filter of [{}, { site: "s" }, { site: "t", tags: ["x"] }, { site: "s", tags: ["x"], group: "x" }]) {
      await expectCode(registry.devices.page(filter, { after: next }), "invalid_cursor");
    }
    await expectCode(registry.devices.page({ site: "s", tags: ["x"] }, { after: next, offset: 1 }), "invalid_option");
  });

  it("refuses cursors that it did not issue", async () => {
    const { registry, next, feed } = await open();
    await using _ = registry;
    for (const after of spoiltCursors(next)) {
      await expectCode(registry.devices.page({ site: "s", tags: ["x"] }, { after }), "invalid_cursor");
    }
    for (const after of spoiltCursors(feed)) await expectCode(registry.devices.changes(after), "invalid_cursor");
    for (const after of [undefined, null, 3, {}]) {
      await expectCode(registry.devices.changes(after as unknown as string), "invalid_cursor");
    }
  });

  it("refuses cursors of another call, another table and another registry", async () => {
    const { registry, next, feed } = await open();
    await using _ = registry;
    const other = await open();
    await using __ = other.registry;
    const filter = { site: "s", tags: ["x"] };
    const profiles = await registry.profiles.page({}, { limit: 1 });
    for (const after of [feed, profiles.next ?? "", other.next]) {
      await expectCode(registry.devices.page(filter, { after }), "invalid_cursor");
    }
    for (const after of [next, profiles.feed, other.feed]) {
      await expectCode(registry.devices.changes(after), "invalid_cursor");
    }
    await expectCode(registry.profiles.changes(feed), "invalid_cursor");
    await expectCode(registry.profiles.page({}, { after: next }), "invalid_cursor");
    await expectCode(registry.profiles.overridesSince(["p"], feed), "invalid_cursor");
  });
}

function testMoving(driver: RegistryDriver): void {
  it("shows every row that stays exactly once, while others come and go around the cursor", async () => {
    await using registry = await driver.open();
    await accept(registry.devices, ...numbered(40));
    const seen: RegisteredDevice[] = [];
    let after: string | undefined;
    for (let round = 0; ; round += 1) {
      const page = await registry.devices.page({}, { limit: 7, ...(after === undefined ? {} : { after }) });
      seen.push(...page.items);
      if (page.next === undefined) break;
      after = page.next;
      const last = page.items.at(-1)?.id ?? "";
      await registry.devices.remove([last, page.items[0]?.id ?? ""]);
      await accept(registry.devices, device(`a${round}`), device(`${last}x`), device(`d0039`, { name: `${round}` }));
    }
    const stayed = ids(numbered(40));
    expect(ids(seen).filter((id) => stayed.includes(id))).toEqual(stayed);
    expect(new Set(ids(seen)).size).toBe(seen.length);
    expect(ids(seen)).toContain("d0006x");
    expect(ids(seen)).not.toContain("a0");
  });

  it("with the changes after the first page's feed, gives the fleet as it is", async () => {
    await using registry = await driver.open();
    await accept(registry.devices, ...numbered(30));
    const mirror = new Map<string, string | undefined>();
    const { first } = await readAll(async (after) => {
      const page = await registry.devices.page({}, { limit: 4, ...(after === undefined ? {} : { after }) });
      for (const row of page.items) mirror.set(row.id, row.name);
      const n = mirror.size;
      await accept(registry.devices, device("d0001", { name: `one ${n}` }), device(`b${n}`), device(`e${n}`));
      if (n < 20) await registry.devices.remove([`d000${n % 10}`]);
      return page;
    }, 4);
    for (let cursor = first.feed, more = true; more; ) {
      const read = await registry.devices.changes(cursor, { limit: 5 });
      for (const change of read.changes) {
        if (change.change === "deleted") mirror.delete(change.id);
        else mirror.set(change.id, change.row.name);
      }
      ({ cursor, more } = read);
    }
    const { items } = await registry.devices.page({}, { limit: 1_000 });
    expect(Object.fromEntries(mirror)).toEqual(Object.fromEntries(items.map((row) => [row.id, row.name])));
  });
}

export function testDevicePages(driver: RegistryDriver): void {
  describe("pages", () => {
    testOrder(driver);
    testCursors(driver);
    testMoving(driver);
  });
}
