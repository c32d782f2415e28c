import { describe, expect, it } from "vitest";
import type { ProfileInput, ProfileItem, Registry } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, loginHeaders, type RegistryDriver, stoppedClock } from "./driver.suite.ts";

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
  options: { chunkSize: 65_536, verifyFirst: true, applyTime: "OnReset" },
};

export const base = (id: string, more: Partial<ProfileInput> = {}): ProfileInput => ({ id, name: id, ...more });
export const under = (parent: string, id: string, more: Partial<ProfileInput> = {}): ProfileInput =>
  base(id, { parent, ...more });
export const item = (name: string, more: Partial<ProfileItem> = {}): ProfileItem => {
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
  ["invalid_profile", { ...base("a"), requests: { inspect: { text: "yes" } } }],
  ["invalid_profile", { ...base("a"), requests: { inspect: { pattern: "x".repeat(1_025) } } }],
  ["invalid_profile", { ...base("a"), requests: { health: null } }],
  ["invalid_profile", { ...base("a"), requests: JSON.parse('{"send":{"__proto__":{"x":1}}}') }],
  ["invalid_profile", { ...base("a"), requests: { send: { path: `/${"x".repeat(2_048)}` } } }],
  ["invalid_profile", { ...base("a"), items: {} }],
  ["invalid_profile", { ...base("a"), items: [null] }],
  ["invalid_profile", { ...base("a"), items: [item("a", { purpose: "all" as "send" })] }],
  ["invalid_profile", { ...base("a"), items: [item("a", { kind: "cookie" as "header" })] }],
  ["invalid_profile", base("a", { items: [item("a b")] })],
  ["invalid_profile", base("a", { items: [item("a", { value: "x\r\ny: z" })] })],
  ["invalid_profile", base("a", { items: [item("")] })],
  ...loginHeaders.map((name) => ["invalid_profile", base("a", { items: [item(name)] })] as const),
  ["invalid_profile", under("p", "a", { items: [item("x-a"), item("authorization", { enabled: false })] })],
  ["invalid_profile", base("a", { items: [item("", { kind: "query" })] })],
  ["invalid_profile", base("a", { items: [item("version", { kind: "check" })] })],
  ["invalid_profile", base("a", { items: [item("__proto__", { kind: "form" })] })],
  ["invalid_profile", { ...base("a"), items: [{ ...item("a"), enabled: "no" }] }],
  ["invalid_profile", { ...base("a"), items: [{ ...item("a"), value: 1 }] }],
  ["invalid_profile", base("a", { items: [item("X-Key"), item("x-key")] })],
  ["invalid_profile", base("a", { items: Array.from({ length: 257 }, (_, i) => item(`h${i}`)) })],
  ["invalid_profile", { ...base("a"), options: [] }],
  ["invalid_profile", { ...base("a"), options: { a: { b: 1 } } }],
  ["invalid_profile", { ...base("a"), options: { a: null } }],
  ["invalid_profile", base("a", { options: { a: Number.NaN } })],
  ["invalid_profile", base("a", { options: { a: "x".repeat(4_097) } })],
  ["invalid_profile", base("a", { options: { "": 1 } })],
  ["invalid_profile", { ...base("a"), options: JSON.parse('{"__proto__":1}') }],
  ["invalid_profile", base("a", { options: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`o${i}`, i])) })],
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
export async function plant(registry: Registry): Promise<void> {
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
    const defaults = { scope: "fleet", requests: {}, items: [], options: {} };
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
      options: {},
    });
    expect((await registry.profiles.getMany(["pos"])).get("pos")).not.toHaveProperty("description");
  });

  it("keeps header names in lower case, and all others as they are", async () => {
    await using registry = await driver.open();
    await accept(registry.profiles, base("a", { items: [item("X-Key"), item("X-Key", { kind: "form" })] }));
    const row = (await registry.profiles.getMany(["a"])).get("a");
    expect(row?.items.map(({ name }) => name)).toEqual(["x-key", "X-Key"]);
  });

  it("keeps no header that holds a login, whoever it is for, and says where a login belongs", async () => {
    await using registry = await driver.open();
    await plant(registry);
    const login = [item("x-a"), item("Authorization", { value: "Bearer hush-hush" })];
    const rows = [base("a"), under("p", "b"), under("g", "c", { scope: "group", group: "g" })];
    const results = await registry.profiles.put(rows.map((row) => ({ ...row, items: login })));
    for (const [at, { id }] of rows.entries())
      expect(results[at]).toEqual({
        id,
        result: "invalid_profile",
        reason: expect.stringMatching(/^items\[1\]\.name must not be "authorization": .*a device's credentials say/),
      });
    expect(JSON.stringify(results)).not.toContain("hush-hush");
    const others = ["x-key", "x-authorization", "cookies"].map((name) => item(name));
    const forms = ["authorization", "cookie"].map((name) => item(name, { kind: "form" }));
    await accept(registry.profiles, base("a", { items: [...others, ...forms] }));
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

/** Profiles row by row: what is taken, what is given back, what is refused. */
export function testProfileRows(driver: RegistryDriver): void {
  describe("rows", () => testRows(driver));
}
