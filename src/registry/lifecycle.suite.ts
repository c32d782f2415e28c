import { describe, expect, it } from "vitest";
import type { CallOptions, Registry } from "../core/registry.ts";
import { testArtifact } from "./artifact-fixture.suite.ts";
import { accept, device, expectCode, type RegistryDriver } from "./driver.suite.ts";

/** Every call of every port, each of which would change or show something. */
async function calls(
  registry: Registry,
): Promise<Readonly<Record<string, (options?: CallOptions) => Promise<unknown>>>> {
  const { devices, profiles, artifacts, reports } = registry;
  const [feed, profileFeed] = [(await devices.page()).feed, (await profiles.page()).feed];
  const artifact = testArtifact("another");
  const known = testArtifact("known");
  return {
    "devices.getMany": (options) => devices.getMany(["a"], options),
    "devices.page": (options) => devices.page({}, options),
    "devices.put": (options) => devices.put([device("b")], options),
    "devices.observe": (options) => devices.observe([{ id: "a", seenAt: 1 }], options),
    "devices.remove": (options) => devices.remove(["a"], options),
    "devices.changes": (options) => devices.changes(feed, options),
    "profiles.getMany": (options) => profiles.getMany(["p"], options),
    "profiles.page": (options) => profiles.page({}, options),
    "profiles.put": (options) => profiles.put([{ id: "q", name: "Q" }], options),
    "profiles.remove": (options) => profiles.remove(["p"], options),
    "profiles.changes": (options) => profiles.changes(profileFeed, options),
    "profiles.overridesSince": (options) => profiles.overridesSince(["p"], profileFeed, options),
    "profiles.items": (options) => profiles.items(["p"], "header", options),
    "profiles.resolveMany": (options) => profiles.resolveMany([{ id: "a", profileId: "p" }], options),
    "profiles.metrics": (options) => profiles.metrics(options),
    "artifacts.put": (options) => artifacts.put(artifact, options),
    "artifacts.open": (options) => artifacts.open(known.digest, options),
    "artifacts.remove": (options) => artifacts.remove(known.digest, options),
    "artifacts.list": (options) => artifacts.list(options),
    "reports.append": (options) => reports.append([{ id: "2", device: "a", kind: "log" }], options),
    "reports.page": (options) => reports.page({}, options),
    "reports.removeBefore": (options) => reports.removeBefore(Number.MAX_SAFE_INTEGER, {}, options),
  };
}

const fill = async (registry: Registry) => {
  await accept(registry.devices, device("a"));
  await accept(registry.profiles, { id: "p", name: "P" });
  await registry.artifacts.put(testArtifact("known"));
  await registry.reports.append([{ id: "1", device: "a", kind: "log", body: { line: "started" } }]);
};

const look = async ({ devices, profiles, artifacts, reports }: Registry) => [
  (await devices.page()).items,
  (await profiles.page()).items,
  (await artifacts.list()).items,
  (await reports.page()).items,
];

export function testLifecycle(driver: RegistryDriver): void {
  describe("opening and closing", () => {
    it("does nothing once the caller's signal has aborted", async () => {
      await using registry = await driver.open();
      await fill(registry);
      const before = await look(registry);
      for (const call of Object.values(await calls(registry))) {
        await expectCode(call({ signal: AbortSignal.abort(new Error("enough")) }), "aborted");
      }
      expect(await look(registry)).toEqual(before);
      for (const call of Object.values(await calls(registry))) await call({ signal: new AbortController().signal });
    });

    it("refuses every call once closed, and closes twice", async () => {
      const registry = await driver.open();
      await fill(registry);
      const all = Object.entries(await calls(registry));
      await registry[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      expect(all).toHaveLength(22);
      for (const [, call] of all) await expectCode(call(), "registry_failed");
    });

    it("keeps fleets apart", async () => {
      await using one = await driver.open();
      await using other = await driver.open();
      await fill(one);
      expect(await look(other)).toEqual([[], [], [], []]);
      await accept(other.devices, device("a", { name: "other" }));
      expect((await one.devices.getMany(["a"])).get("a")?.name).toBeUndefined();
    });

    const { reopen } = driver;
    if (typeof reopen === "string") it.skip(`finds everything again when reopened (${reopen})`);
    else it("finds everything again when reopened", () => testReopened(driver, reopen));
  });
}

async function testReopened(driver: RegistryDriver, reopen: (registry: Registry) => Promise<Registry>): Promise<void> {
  const first = await driver.open();
  await fill(first);
  const [revision = 0] = await accept(
    first.devices,
    device("b", { profileId: "p", tags: ["x"], metadata: { a: "1" } }),
  );
  await first.devices.observe([{ id: "b", seenAt: 9, status: "online", firmware: "1.10.0" }]);
  const at = (await first.profiles.metrics()).revision;
  await accept(first.profiles, { id: "o", name: "O", parent: "p", requests: { send: { path: "/o" } } });
  const before = await look(first);
  const { next = "", feed } = await first.devices.page({}, { limit: 1 });
  const profile = (await first.profiles.resolveMany([{ id: "b", profileId: "p" }])).get("b");

  await using second = await reopen(first);
  expect(await look(second)).toEqual(before);
  expect((await second.devices.page({}, { limit: 1, after: next })).items.map(({ id }) => id)).toEqual(["b"]);
  expect((await second.devices.page({ firmware: { above: "1.9.0" } })).items.map(({ id }) => id)).toEqual(["b"]);
  await second.devices.observe([{ id: "b", seenAt: 8, status: "offline", firmware: "1.0.0" }]);
  expect((await second.devices.getMany(["b"])).get("b")).toMatchObject({
    status: "online",
    firmware: "1.10.0",
    lastSeen: 9,
  });
  const subjects = [{ id: "b", profileId: "p" }];
  expect((await second.profiles.resolveMany(subjects)).get("b")).toEqual(profile);
  expect((await second.profiles.resolveMany(subjects, { at })).get("b")).toEqual({});
  const [later = 0] = await accept(second.devices, device("c"));
  expect(later).toBeGreaterThan(revision);
  expect((await second.devices.changes(feed)).changes.map(({ change, id }) => [change, id])).toEqual([
    ["created", "c"],
  ]);
  await using artifact = await second.artifacts.open(testArtifact("known").digest);
  expect(await artifact.payload.hash("sha256")).toBe(artifact.digest);
}
