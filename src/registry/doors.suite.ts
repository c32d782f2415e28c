import { expect, it } from "vitest";
import type { CallOptions, DeviceInput, ProfileInput, Registry } from "../core/registry.ts";
import { testArtifact } from "./artifact-fixture.suite.ts";
import { accept, device, expectCode, type RegistryDriver } from "./driver.suite.ts";

type Door = (registry: Registry, first: unknown, options?: CallOptions) => Promise<unknown>;
type Kind = "list" | "keys" | "filter" | "other";

/** Every call, with what its first argument is and one that it takes. */
const doors: readonly (readonly [name: string, kind: Kind, good: unknown, call: Door])[] = [
  ["devices.getMany", "keys", ["a"], ({ devices }, ids, options) => devices.getMany(ids as string[], options)],
  ["devices.page", "filter", {}, ({ devices }, filter, options) => devices.page(filter as object, options)],
  ["devices.put", "list", [device("b")], ({ devices }, rows, options) => devices.put(rows as [], options)],
  [
    "devices.observe",
    "list",
    [{ id: "a", seenAt: 1 }],
    ({ devices }, rows, options) => devices.observe(rows as [], options),
  ],
  ["devices.remove", "keys", ["b"], ({ devices }, ids, options) => devices.remove(ids as string[], options)],
  [
    "devices.changes",
    "other",
    undefined,
    async ({ devices }, _, options) => devices.changes((await devices.page()).feed, options),
  ],
  ["profiles.getMany", "keys", ["p"], ({ profiles }, ids, options) => profiles.getMany(ids as string[], options)],
  ["profiles.page", "filter", {}, ({ profiles }, filter, options) => profiles.page(filter as object, options)],
  [
    "profiles.put",
    "list",
    [{ id: "q", name: "Q" }],
    ({ profiles }, rows, options) => profiles.put(rows as [], options),
  ],
  ["profiles.remove", "keys", ["q"], ({ profiles }, ids, options) => profiles.remove(ids as string[], options)],
  [
    "profiles.changes",
    "other",
    undefined,
    async ({ profiles }, _, options) => profiles.changes((await profiles.page()).feed, options),
  ],
  [
    "profiles.overridesSince",
    "keys",
    ["p"],
    async ({ profiles }, ids, options) =>
      profiles.overridesSince(ids as string[], (await profiles.page()).feed, options),
  ],
  ["profiles.items", "keys", ["p"], ({ profiles }, ids, options) => profiles.items(ids as string[], "header", options)],
  [
    "profiles.resolveMany",
    "list",
    [{ id: "a", profileId: "p" }],
    ({ profiles }, subjects, options) => profiles.resolveMany(subjects as [], options),
  ],
  ["profiles.metrics", "other", undefined, ({ profiles }, _, options) => profiles.metrics(options)],
  ["artifacts.put", "other", undefined, ({ artifacts }, _, options) => artifacts.put(testArtifact("known"), options)],
  [
    "artifacts.open",
    "other",
    undefined,
    async ({ artifacts }, _, options) => {
      const { digest } = await artifacts.put(testArtifact("known"));
      await using artifact = await artifacts.open(digest, options);
      return artifact.digest;
    },
  ],
  ["artifacts.remove", "other", undefined, ({ artifacts }, _, options) => artifacts.remove("0".repeat(64), options)],
  ["artifacts.list", "other", undefined, ({ artifacts }, _, options) => artifacts.list(options)],
  [
    "reports.append",
    "list",
    [{ id: "1", device: "a", kind: "log" }],
    ({ reports }, rows, options) => reports.append(rows as [], options),
  ],
  ["reports.page", "filter", {}, ({ reports }, filter, options) => reports.page(filter as object, options)],
  [
    "reports.removeBefore",
    "filter",
    {},
    ({ reports }, filter, options) => reports.removeBefore(1, filter as object, options),
  ],
];

const badFirst: Readonly<Record<Kind, readonly unknown[]>> = {
  list: [null, undefined, "ab", {}, 5, new Set(["a"])],
  keys: [null, undefined, "ab", {}, 5, [7], [null]],
  filter: [null, "ab", [], 5, { nme: "a" }],
  other: [],
};

const badOptions: readonly unknown[] = [
  null,
  5,
  "ab",
  [],
  { limt: 1 },
  { atRevision: 1 },
  { signal: true },
  { signal: null },
];

/** What a row may be called that has one field too many. */
const strange = ["profileID", "profile_id", "__proto", "toString"];

const fill = async (registry: Registry): Promise<void> => {
  await accept(registry.devices, device("a", { name: "A", tags: ["x"] }));
  await accept(registry.profiles, { id: "p", name: "P" });
};

/** What no call takes: other types than it asks for, and names that it does not know. */
export function testDoors(driver: RegistryDriver): void {
  it.each(doors)("%s refuses what is no such thing, and options that it does not know", async (_, kind, good, call) => {
    await using registry = await driver.open();
    await fill(registry);
    const before = [(await registry.devices.page()).items, (await registry.profiles.page()).items];
    for (const first of badFirst[kind]) {
      if (first === undefined && kind === "filter") continue;
      await expectCode(call(registry, first), "invalid_option");
    }
    for (const options of badOptions) await expectCode(call(registry, good, options as CallOptions), "invalid_option");
    const limited = call(registry, good, { limt: 1 } as CallOptions);
    await expect(limited).rejects.toThrow(/^options must not have "limt"; it knows signal/);
    expect([(await registry.devices.page()).items, (await registry.profiles.page()).items]).toEqual(before);
    await call(registry, good, { signal: new AbortController().signal });
    await call(registry, good, {});
  });

  it("refuses subjects that are none", async () => {
    await using registry = await driver.open();
    await fill(registry);
    for (const subject of [
      null,
      "a",
      {},
      { id: 5 },
      { id: "a", profileId: 5 },
      { id: "a", group: 5 },
      { id: "a", profile: 5 },
    ]) {
      await expectCode(registry.profiles.resolveMany([subject as { id: string }]), "invalid_option");
    }
  });

  it.each(strange)("refuses a row with a field of the name %s, and says so", async (name) => {
    await using registry = await driver.open();
    await fill(registry);
    const { devices, profiles, reports } = registry;
    const told = { reason: expect.stringContaining(`must not have "${name}"; it knows `) };
    const [good, bad] = await devices.put([device("b"), { ...device("c"), [name]: "till" } as DeviceInput]);
    expect([good?.result, bad]).toEqual(["created", { id: "c", result: "invalid_device", ...told }]);
    const item = { purpose: "send", kind: "header", name: "x", [name]: "1" };
    const puts = await profiles.put([
      { id: "q", name: "Q", [name]: "1" } as ProfileInput,
      { id: "r", name: "R", items: [item] } as unknown as ProfileInput,
    ]);
    expect(puts).toEqual(["q", "r"].map((id) => ({ id, result: "invalid_profile", ...told })));
    expect(await devices.observe([{ id: "a", seenAt: 1, [name]: 1 } as { id: string; seenAt: number }])).toEqual({
      unknown: [],
      invalid: ["a"],
    });
    const [appended] = await reports.append([{ id: "1", device: "a", kind: "log", [name]: 1 } as never]);
    expect(appended).toEqual({ id: "1", result: "invalid_report", ...told });
    expect((await profiles.page()).items.map(({ id }) => id)).toEqual(["p"]);
  });

  it("takes the rows back that were read from it", async () => {
    await using registry = await driver.open();
    const { devices, profiles, reports } = registry;
    const items = [{ purpose: "send", kind: "header", name: "x", value: "1", enabled: true }] as const;
    await accept(profiles, { id: "p", name: "P", description: "d", delivery: "http", items, options: { a: 1 } });
    await accept(devices, device("a", { name: "A", tags: ["x"], profileId: "p", group: "g" }));
    const own = { scope: "device", device: "a", parent: "p" } as const;
    await accept(
      profiles,
      { id: "d", name: "D", ...own },
      { id: "g", name: "G", parent: "p", scope: "group", group: "g" },
    );
    const evidence = { device: "a" } as never;
    await devices.observe([{ id: "a", seenAt: 1, status: "online", firmware: "1.0.0", evidence }]);
    await reports.append([{ id: "1", device: "a", kind: "log", status: "online", firmware: "1.0.0", body: "x" }]);
    const rows = (await devices.page()).items;
    expect(rows[0]).toMatchObject({ firmware: "1.0.0", evidence: { device: "a" } });
    await accept(devices, ...rows);
    await accept(profiles, ...(await profiles.page()).items);
    expect((await profiles.page()).items).toHaveLength(3);
    expect(await reports.append((await reports.page()).items)).toEqual([{ id: "1", result: "known" }]);
  });
}
