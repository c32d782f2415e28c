import { describe, expect, it } from "vitest";
import type { Profile } from "../core/profile.ts";
import type { ProfileInput, ProfileItem, ProfileSubject, Registry } from "../core/registry.ts";
import { accept, device, isDeeplyFrozen, type RegistryDriver } from "./driver.suite.ts";

export const path = (value: string): Pick<ProfileInput, "requests"> => ({ requests: { send: { path: value } } });
export const base = (id: string, more: Partial<ProfileInput> = {}): ProfileInput => ({ id, name: id, ...more });
export const fleet = (parent: string, id: string, more: Partial<ProfileInput> = {}): ProfileInput =>
  base(id, { parent, ...more });
export const group = (parent: string, id: string, more: Partial<ProfileInput> = {}): ProfileInput =>
  base(id, { parent, scope: "group", group: "g", ...more });
export const one = (parent: string, id: string, more: Partial<ProfileInput> = {}): ProfileInput =>
  base(id, { parent, scope: "device", device: "one", ...more });
const header = (name: string, more: Partial<ProfileItem> = {}): ProfileItem => {
  return { purpose: "send", kind: "header", name, ...more };
};

export const subjects: readonly ProfileSubject[] = [
  { id: "one", group: "g", profileId: "p" },
  { id: "two", group: "g", profileId: "p" },
  { id: "three", group: "h", profileId: "p" },
  { id: "four", profileId: "p" },
];

export async function open(driver: RegistryDriver, ...rows: readonly ProfileInput[]): Promise<Registry> {
  const registry = await driver.open();
  await accept(registry.devices, device("one", { group: "g" }), device("two", { group: "g" }));
  await accept(registry.profiles, ...rows);
  return registry;
}

export async function resolve(registry: Registry, id = "one", at?: number): Promise<Profile | undefined> {
  return (await registry.profiles.resolveMany(subjects, at === undefined ? {} : { at })).get(id);
}

export async function paths(registry: Registry, at?: number): Promise<(string | undefined)[]> {
  return Promise.all(subjects.map(async ({ id }) => (await resolve(registry, id, at))?.send?.path));
}

function testScopes(driver: RegistryDriver): void {
  it("is the base where nothing overrides it", async () => {
    const requests = { send: { method: "PUT", path: "/b" }, health: false as const };
    await using registry = await open(driver, base("p", { requests, items: [header("a", { value: "1" })] }));
    const expected = { send: { method: "PUT", path: "/b", headers: { a: "1" } }, health: false };
    for (const { id } of subjects) expect(await resolve(registry, id)).toEqual(expected);
    expect(isDeeplyFrozen(await resolve(registry))).toBe(true);
  });

  it("applies the fleet's overrides, then the group's, then the device's own, whatever their revisions", async () => {
    await using registry = await open(driver, base("p", path("/base")), one("p", "d", path("/device")));
    expect(await paths(registry)).toEqual(["/device", "/base", "/base", "/base"]);
    await accept(registry.profiles, group("p", "g", path("/group")));
    expect(await paths(registry)).toEqual(["/device", "/group", "/base", "/base"]);
    await accept(registry.profiles, fleet("p", "f", path("/fleet")));
    expect(await paths(registry)).toEqual(["/device", "/group", "/fleet", "/fleet"]);
  });

  it("orders siblings by revision: the one edited last has the last word", async () => {
    await using registry = await open(driver, base("p"), fleet("p", "z", path("/z")), fleet("p", "a", path("/a")));
    expect((await resolve(registry))?.send?.path).toBe("/a");
    await accept(registry.profiles, fleet("p", "z", path("/z")));
    expect((await resolve(registry))?.send?.path).toBe("/z");
  });

  it("orders parents before children, even those edited later", async () => {
    const rows = [base("p"), fleet("p", "f", path("/f")), fleet("f", "f1", path("/f1")), fleet("p", "s", path("/s"))];
    await using registry = await open(driver, ...rows);
    await accept(registry.profiles, fleet("p", "f", path("/f again")), base("p", path("/base")));
    expect((await resolve(registry))?.send?.path).toBe("/f1");
  });

  it("applies a child only where its parents apply", async () => {
    const child = one("g", "gd", path("/one in g"));
    await using registry = await open(driver, base("p", path("/base")), group("p", "g"), child);
    expect((await resolve(registry))?.send?.path).toBe("/one in g");
    const moved = await registry.profiles.resolveMany([{ id: "one", group: "h", profileId: "p" }]);
    expect(moved.get("one")?.send?.path).toBe("/base");
    const back = await registry.profiles.resolveMany([{ id: "one", group: "g", profileId: "p" }]);
    expect(back.get("one")?.send?.path).toBe("/one in g");
  });

  it("takes an id that was put again for what it is now", async () => {
    await using registry = await open(
      driver,
      base("p", path("/base")),
      group("p", "x", path("/x")),
      base("q", path("/q")),
    );
    await registry.profiles.remove(["x", "q"]);
    await accept(registry.profiles, base("x", { parent: "p", scope: "group", group: "h", ...path("/x in h") }));
    await accept(registry.profiles, fleet("p", "q", path("/q below p")));
    expect(await paths(registry)).toEqual(["/q below p", "/q below p", "/x in h", "/q below p"]);
    expect((await registry.profiles.resolveMany([{ id: "one", profileId: "q" }])).size).toBe(0);
    await registry.profiles.remove(["q"]);
    await accept(registry.profiles, base("r", path("/r")), fleet("r", "q", path("/q below r")));
    expect((await resolve(registry))?.send?.path).toBe("/base");
    expect((await registry.profiles.resolveMany([{ id: "one", profileId: "r" }])).get("one")?.send?.path).toBe(
      "/q below r",
    );
  });

  it("goes down a chain of ten and over ten siblings", async () => {
    const chain = Array.from({ length: 10 }, (_, i) => {
      return fleet(i === 0 ? "p" : `c${i - 1}`, `c${i}`, { items: [header(`x${i}`, { value: String(i) })] });
    });
    const siblings = Array.from({ length: 10 }, (_, i) => fleet("p", `s${i}`, path(`/${i}`)));
    await using registry = await open(driver, base("p", path("/base")), ...chain, ...siblings);
    const resolved = await resolve(registry);
    expect(resolved?.send?.path).toBe("/9");
    expect(Object.keys(resolved?.send?.headers ?? {})).toEqual(chain.map((_, i) => `x${i}`));
  });
}

function testFields(driver: RegistryDriver): void {
  it("inherits each field on its own", async () => {
    const requests = { send: { method: "PUT", path: "/b" }, commit: { path: "/commit" } };
    const f = fleet("p", "f", { requests: { send: { path: "/f" }, activate: { method: "POST" } } });
    await using registry = await open(driver, base("p", { requests }), f, group("p", "g", { requests: { send: {} } }));
    const expected = { send: { method: "PUT", path: "/f" }, activate: { method: "POST" }, commit: { path: "/commit" } };
    expect(await resolve(registry)).toEqual(expected);
  });

  it("replaces option by option", async () => {
    const rows = [
      base("p", { options: { chunk: 1, mode: "a" } }),
      fleet("p", "f", { options: { mode: "b", on: false } }),
    ];
    await using registry = await open(driver, ...rows, group("p", "g", { options: { chunk: 2 } }), base("q"));
    expect(await resolve(registry, "three")).toEqual({ options: { chunk: 1, mode: "b", on: false } });
    expect(await resolve(registry, "one")).toEqual({ options: { chunk: 2, mode: "b", on: false } });
    expect(isDeeplyFrozen(await resolve(registry))).toBe(true);
    const plain = await registry.profiles.resolveMany([{ id: "x", profileId: "q" }]);
    expect(plain.get("x")).toEqual({});
  });

  it("replaces where the version is read, and inherits what else is read key by key", async () => {
    const inspect = { path: "/i", pointer: "/v", also: { slot: "/s", digest: "/d" } };
    const f = fleet("p", "f", { requests: { inspect: { pattern: "v(.*)", also: { slot: "/slot" } } } });
    const g = group("p", "g", { requests: { inspect: { text: true } } });
    await using registry = await open(driver, base("p", { requests: { inspect } }), f, g);
    const also = { slot: "/slot", digest: "/d" };
    expect((await resolve(registry, "three"))?.inspect).toEqual({ path: "/i", pattern: "v(.*)", also });
    expect((await resolve(registry, "one"))?.inspect).toEqual({ path: "/i", text: true, also });
  });

  it("takes a request away and brings it back with all it had", async () => {
    const health = { path: "/health" };
    const items: ProfileItem[] = [{ purpose: "health", kind: "query", name: "q", value: "1" }];
    const rows = [base("p", { requests: { health }, items }), fleet("p", "f", { requests: { health: false } })];
    await using registry = await open(driver, ...rows, group("p", "g", { requests: { health: {} } }));
    expect(await resolve(registry, "three")).toEqual({ health: false });
    expect(await resolve(registry, "one")).toEqual({ health: { path: "/health", query: { q: "1" } } });
  });

  it("changes items by purpose, kind and name, removes, brings back and appends in order", async () => {
    const items = [header("a", { value: "1" }), header("b", { value: "2" }), header("c", { value: "3" })];
    const asQuery = { purpose: "send", kind: "query", name: "a", value: "q" } as const;
    const inInspect = { purpose: "inspect", kind: "header", name: "a", value: "i" } as const;
    const f = [
      header("d", { value: "4" }),
      header("A", { value: "one" }),
      header("b", { enabled: false }),
      asQuery,
      inInspect,
    ];
    const g = [
      header("e", { value: "5" }),
      header("b", { enabled: true }),
      header("c", { enabled: false, value: "three" }),
    ];
    const rows = [base("p", { items }), fleet("p", "f", { items: f }), group("p", "g", { items: g })];
    await using registry = await open(driver, ...rows, one("p", "d", { items: [header("c", { enabled: true })] }));
    const show = async (id: string) => Object.entries((await resolve(registry, id))?.send?.headers ?? {}).join(" ");
    expect(await show("four")).toBe("a,one c,3 d,4");
    expect(await show("two")).toBe("a,one b,2 d,4 e,5");
    expect(await show("one")).toBe("a,one b,2 c,three d,4 e,5");
    const { send, inspect } = (await resolve(registry)) ?? {};
    expect([send?.query, inspect]).toEqual([{ a: "q" }, { headers: { a: "i" } }]);
  });

  it("leaves out what has no value anywhere, and what is disabled from the start", async () => {
    const rows = [base("p", { items: [header("a"), header("b", { value: "1", enabled: false })] })];
    await using registry = await open(driver, ...rows, group("p", "g", { items: [header("a", { value: "late" })] }));
    expect(await resolve(registry, "three")).toEqual({});
    expect(await resolve(registry, "one")).toEqual({ send: { headers: { a: "late" } } });
  });

  it("knows all four kinds", async () => {
    const kinds = ["header", "query", "form", "check"] as const;
    const items = kinds.map((kind) => ({
      purpose: "inspect" as const,
      kind,
      name: kind === "check" ? "/ok" : "n",
      value: kind,
    }));
    await using registry = await open(driver, base("p", { items }));
    const records = {
      headers: { n: "header" },
      query: { n: "query" },
      form: { n: "form" },
      checks: { "/ok": "check" },
    };
    expect(await resolve(registry)).toEqual({ inspect: records });
  });
}

/** What a profile and its overrides come to for one device. */
export function testResolution(driver: RegistryDriver): void {
  describe("scopes and order", () => testScopes(driver));
  describe("fields and items", () => testFields(driver));
}
