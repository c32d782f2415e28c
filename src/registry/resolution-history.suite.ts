import { describe, expect, it } from "vitest";
import type { ProfileSubject, Registry } from "../core/registry.ts";
import { accept, device, expectCode, type RegistryDriver } from "./driver.suite.ts";
import { base, fleet, group, one, open, path, paths, resolve, subjects } from "./resolution.suite.ts";

function testSharing(driver: RegistryDriver): void {
  it("prefers a device's own profile, and leaves out those without", async () => {
    await using registry = await open(driver, base("p", path("/base")), fleet("p", "f"));
    const own = Object.freeze({ send: { path: "/own" } });
    const found = await registry.profiles.resolveMany([
      { id: "own", profileId: "p", profile: own },
      { id: "none" },
      { id: "dangling", profileId: "nobody" },
      { id: "override", profileId: "f" },
      { id: "named", profileId: "p" },
    ]);
    expect([...found.keys()].sort()).toEqual(["named", "own"]);
    expect(found.get("own")).toBe(own);
    expect((await registry.profiles.resolveMany([])).size).toBe(0);
  });

  it("resolves registered devices as they are given back", async () => {
    await using registry = await open(driver, base("p", path("/base")), group("p", "g", path("/group")));
    await accept(registry.devices, device("one", { group: "g", profileId: "p" }));
    const rows = [...(await registry.devices.getMany(["one"])).values()];
    expect((await registry.profiles.resolveMany(rows)).get("one")?.send?.path).toBe("/group");
  });

  it("gives devices that resolve equally the very same object, until a change", async () => {
    await using registry = await open(
      driver,
      base("p", path("/base")),
      group("p", "g", path("/base")),
      base("q", path("/q")),
    );
    const read = async () => {
      const other: ProfileSubject = { id: "other", profileId: "q" };
      const found = await registry.profiles.resolveMany([...subjects, other]);
      return [...subjects.map(({ id }) => found.get(id)), found.get("other")];
    };
    const [first, ...rest] = await read();
    const q = rest.pop();
    for (const profile of rest) expect(profile).toBe(first);
    expect(q).not.toBe(first);
    expect(await read()).toEqual([first, ...rest, q]);
    for (const [i, profile] of (await read()).entries()) expect(profile).toBe([first, ...rest, q][i]);
    await accept(registry.profiles, one("p", "d", path("/one")));
    const changed = await read();
    expect(changed.map((profile) => profile?.send?.path)).toEqual(["/one", "/base", "/base", "/base", "/q"]);
    expect(changed[1]).toBe(changed[2]);
    expect(changed[4]).toBe(q);
  });
}

function testHistory(driver: RegistryDriver): void {
  const now = async (registry: Registry) => (await registry.profiles.metrics()).revision;

  it("resolves as of a revision: values edited, added and removed later do not show", async () => {
    await using registry = await open(driver, base("p", path("/base")));
    const states: { readonly at: number; readonly paths: readonly (string | undefined)[] }[] = [];
    const note = async () => states.push({ at: await now(registry), paths: await paths(registry) });
    await note();
    const steps = [
      () => accept(registry.profiles, group("p", "g", path("/g"))),
      () => accept(registry.profiles, group("p", "g", path("/g again"))),
      () => accept(registry.profiles, one("g", "d", path("/d")), fleet("p", "f", path("/f"))),
      () => accept(registry.profiles, base("p", path("/other base"))),
      () => registry.profiles.remove(["g"]),
      () => accept(registry.profiles, fleet("f", "g", path("/moved g"))),
      () => registry.devices.remove(["one"]),
      () => registry.profiles.remove(["p"]),
      () => accept(registry.profiles, base("p", path("/reborn"))),
    ];
    for (const step of steps) {
      await step();
      await note();
    }
    expect(states.map((state) => state.paths[0])).toEqual([
      "/base",
      "/g",
      "/g again",
      "/d",
      "/d",
      "/f",
      "/moved g",
      "/moved g",
      undefined,
      "/reborn",
    ]);
    for (const state of [...states, ...[...states].reverse()]) {
      expect(await paths(registry, state.at)).toEqual(state.paths);
    }
  });

  it("has nothing before the first revision, and what is now for those to come", async () => {
    await using registry = await open(driver, base("p", path("/base")));
    expect(await paths(registry, 0)).toEqual([undefined, undefined, undefined, undefined]);
    const at = (await now(registry)) + 1_000_000;
    expect(await resolve(registry, "one", at)).toBe(await resolve(registry));
    for (const senseless of [-1, 0.5, Number.NaN]) {
      await expectCode(registry.profiles.resolveMany(subjects, { at: senseless }), "invalid_option");
    }
  });

  it("gives a past profile as one object too", async () => {
    await using registry = await open(driver, base("p", path("/base")));
    const before = await resolve(registry);
    const at = await now(registry);
    await accept(registry.profiles, base("p", path("/later")));
    expect(await resolve(registry, "one", at)).toBe(await resolve(registry, "three", at));
    expect(await resolve(registry, "one", at)).toEqual(before);
  });
}

/** Whose profile is whose, for how long, and what it was as of a revision. */
export function testResolutionHistory(driver: RegistryDriver): void {
  describe("sharing", () => testSharing(driver));
  describe("as of a revision", () => testHistory(driver));
}
