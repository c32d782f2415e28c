import { describe, expect, it } from "vitest";
import type { DeviceFilter, DeviceInput, Observation, Registry } from "../core/registry.ts";
import { exact } from "../core/versions.ts";
import { accept, device, expectCode, type RegistryDriver, readAll } from "./driver.suite.ts";

const rows: readonly DeviceInput[] = [
  device("a", { group: "tills", site: "berlin", tags: ["beta", "new"], profileId: "p", name: "Kasse Eins" }),
  device("b", { group: "tills", site: "hamburg", tags: ["beta"], delivery: "tus", location: "Hall" }),
  device("c", { group: "gates", site: "berlin", tags: ["new", "beta", "x"], location: "hall" }),
  device("D", { site: "berlin", tags: ["betas"], name: "Gate_100%" }),
  device("e"),
];

const seen: readonly Observation[] = [
  { id: "a", seenAt: 100, status: "online", firmware: "1.9.0" },
  { id: "b", seenAt: 200, status: "offline", firmware: "1.10.0" },
  { id: "c", seenAt: 300, status: "online", firmware: "1.10.0-rc.1" },
  { id: "D", seenAt: 300, firmware: "nightly" },
];

const cases: readonly (readonly [filter: DeviceFilter, ids: string])[] = [
  [{}, "Dabce"],
  [{ ids: ["c", "a", "nobody", "a"] }, "ac"],
  [{ ids: [] }, ""],
  [{ status: "online" }, "ac"],
  [{ status: "unknown" }, "De"],
  [{ status: ["offline", "unknown"] }, "Dbe"],
  [{ status: [] }, ""],
  [{ group: "tills" }, "ab"],
  [{ group: "" }, ""],
  [{ site: "berlin" }, "Dac"],
  [{ location: "hall" }, "c"],
  [{ delivery: "tus" }, "b"],
  [{ profileId: "p" }, "a"],
  [{ tags: ["beta"] }, "abc"],
  [{ tags: ["beta", "new"] }, "ac"],
  [{ tags: ["new", "beta", "new"] }, "ac"],
  [{ tags: ["Beta"] }, ""],
  [{ tags: [] }, "Dabce"],
  [{ firmware: { min: "1.9.0" } }, "abc"],
  [{ firmware: { min: "v1.10.0" } }, "b"],
  [{ firmware: { above: "1.9.0" } }, "bc"],
  [{ firmware: { above: "1.10.0" } }, ""],
  [{ firmware: { max: "1.9.0" } }, "Da"],
  [{ firmware: { below: "1.10.0" } }, "Dac"],
  [{ firmware: { max: "1.10.0" } }, "Dabc"],
  [{ firmware: { min: "1.9.1", below: "1.10.0" } }, "c"],
  [{ firmware: { min: "1.10.0+other", max: "1.10.0" } }, "b"],
  [{ firmware: { above: "1.9.0", max: "1.8.0" } }, ""],
  [{ firmware: {} }, "Dabce"],
  [{ seenBefore: 200 }, "a"],
  [{ seenAfter: 200 }, "Dbc"],
  [{ seenAfter: 200, seenBefore: 300 }, "b"],
  [{ seenBefore: 1_000 }, "Dabc"],
  [{ text: "KASSE" }, "a"],
  [{ text: "d" }, "D"],
  [{ text: "0%" }, "D"],
  [{ text: "e_1" }, "D"],
  [{ text: "e1" }, ""],
  [{ text: "" }, "Dabce"],
  [{ site: "berlin", tags: ["beta"], status: "online", firmware: { below: "1.10.0" }, text: "a" }, "a"],
  [{ ids: ["a", "b"], site: "hamburg" }, "b"],
];

const senseless: readonly unknown[] = [
  { sites: "berlin" },
  { site: 3 },
  { ids: "a" },
  { ids: [1] },
  { tags: "beta" },
  { status: "asleep" },
  { status: [null] },
  { firmware: "1.0.0" },
  { firmware: { from: "1.0.0" } },
  { firmware: { min: 1 } },
  { seenBefore: "yesterday" },
  { seenAfter: Number.NaN },
  { text: /a/ },
];

async function fill(registry: Registry): Promise<void> {
  await accept(registry.profiles, { id: "p", name: "P" });
  await accept(registry.devices, ...rows);
  await registry.devices.observe(seen);
}

async function idsOf(registry: Registry, filter: DeviceFilter, limit: number): Promise<string> {
  const { items } = await readAll(
    (after) => registry.devices.page(filter, { limit, ...(after === undefined ? {} : { after }) }),
    limit,
  );
  return items.map(({ id }) => id).join("");
}

export function testDeviceFilters(driver: RegistryDriver): void {
  describe("filters", () => {
    it.each(cases)("%j selects %j, in pages of any size", async (filter, ids) => {
      await using registry = await driver.open();
      await fill(registry);
      for (const limit of [1, 2, 3, 100]) expect(await idsOf(registry, filter, limit)).toBe(ids);
      const skipped = await registry.devices.page(filter, { offset: 1 });
      expect(skipped.items.map(({ id }) => id).join("")).toBe(ids.slice(1));
    });

    it("takes as many tags and ids as there may be, and refuses more", async () => {
      await using registry = await driver.open();
      await fill(registry);
      const list = (count: number) => Array.from({ length: count }, (_, i) => `x${i}`);
      const tags = list(32);
      await accept(registry.devices, device("tagged", { tags, site: "s" }));
      for (const more of [{}, { ids: ["tagged"] }, { site: "s" }, { firmware: { min: "1.0.0" }, text: "t" }]) {
        const found = more.firmware === undefined ? "tagged" : "";
        expect(await idsOf(registry, { ...more, tags: [...tags, ...tags] }, 100)).toBe(found);
      }
      await expectCode(registry.devices.page({ tags: list(33) }), "invalid_option");
      expect(await idsOf(registry, { ids: [...list(99_999), "tagged"] }, 100)).toBe("tagged");
      await expectCode(registry.devices.page({ ids: list(100_001) }), "invalid_option");
      await expectCode(registry.profiles.page({ ids: list(100_001) }), "invalid_option");
      const status = Array.from({ length: 2_000 }, () => "online" as const);
      expect(await idsOf(registry, { status }, 100)).toBe(await idsOf(registry, { status: "online" }, 100));
    });

    it.each(senseless)("refuses %j rather than select what nobody meant", async (filter) => {
      await using registry = await driver.open();
      await fill(registry);
      await expectCode(registry.devices.page(filter as DeviceFilter), "invalid_option");
    });

    it("follows what is put, observed and removed", async () => {
      await using registry = await driver.open();
      await fill(registry);
      await registry.devices.observe([{ id: "a", seenAt: 400, status: "offline", firmware: "1.11.0" }]);
      await accept(registry.devices, device("b", { site: "berlin", tags: ["new"] }));
      await registry.devices.remove(["c"]);
      expect(await idsOf(registry, { status: "online" }, 100)).toBe("");
      expect(await idsOf(registry, { firmware: { min: "1.10.0" } }, 100)).toBe("ab");
      expect(await idsOf(registry, { site: "berlin" }, 100)).toBe("Dab");
      expect(await idsOf(registry, { tags: ["beta"] }, 100)).toBe("a");
      expect(await idsOf(registry, { tags: ["new"] }, 100)).toBe("ab");
    });

    it("compares versions by the registry's own scheme", async () => {
      await using registry = await driver.open({ versions: exact });
      expect(registry.versions.name).toBe("exact");
      await fill(registry);
      expect(await idsOf(registry, { firmware: { min: "1.9.0" } }, 100)).toBe("Da");
      expect(await idsOf(registry, { firmware: { below: "1.9.0" } }, 100)).toBe("bc");
    });
  });
}
