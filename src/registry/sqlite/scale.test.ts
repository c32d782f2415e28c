import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeviceFilter, DeviceInput, Observation, Registry } from "../../core/registry.ts";
import { Connection } from "../../store/sqlite/connection.ts";
import { device, readAll } from "../driver.suite.ts";
import { createMemoryRegistry } from "../memory/index.ts";
import { openSqliteRegistry } from "./index.ts";
import { fewDevices } from "./match-device.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-scale-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// More devices than a driver may have, so that each filter is met by many of them, by few and by none.
const count = 3 * fewDevices;

const rows: readonly DeviceInput[] = Array.from({ length: count }, (_, i) =>
  device(`d${(i * 7_919) % count}`, {
    site: `s${i % 3}`,
    group: i % 300 === 1 ? "few" : "most",
    tags: [i % 2 === 0 ? "even" : "odd", ...(i % 500 === 0 ? ["rare"] : [])],
    ...(i % 5 === 0 ? { name: `Till ${i}` } : {}),
  }),
);

const seen: readonly Observation[] = rows.slice(100).map(({ id }, i) => ({
  id,
  seenAt: i,
  firmware: `1.${i % 30}.${i % 7}`,
  status: i % 900 === 0 ? "offline" : "online",
}));

const filters: readonly DeviceFilter[] = [
  {},
  { site: "s1", tags: ["even"] },
  { site: "s1", tags: ["rare"] },
  { site: "s1", tags: ["rare", "even"] },
  { site: "s1", tags: ["even", "rare"] },
  { tags: ["even", "rare"] },
  { site: "s1", group: "few" },
  { site: "s1", group: "most" },
  { group: "few", tags: ["rare"] },
  { group: "few", site: "s1", seenAfter: 50, status: ["offline", "online"] },
  { group: "few", site: "\uD800" },
  { firmware: { above: "9.0.0" }, site: "\uD800" },
  { firmware: { above: "9.0.0" }, tags: ["\uD800"] },
  { firmware: { above: "9.0.0" }, text: "\uD800" },
  { firmware: { above: "9.0.0" }, status: [] },
  { group: "few", site: "s1", text: "\uD800" },
  { tags: ["even", "nobody's"], seenAfter: 50 },
  { tags: ["even"], status: ["offline", "unknown"] },
  { status: ["online", "offline"] },
  { status: ["offline", "unknown"] },
  { status: "online", firmware: { min: "1.9.0", below: "1.10.0" } },
  { firmware: { min: "1.9.0" } },
  { firmware: { below: "1.2.0" }, tags: ["odd"] },
  { firmware: { above: "9.0.0" } },
  { seenBefore: 50 },
  { seenAfter: 50 },
  { seenAfter: 50, seenBefore: 60, firmware: { min: "1.5.0" }, site: "s0" },
  { seenAfter: 50, firmware: { min: "1.5.0" }, tags: ["rare"] },
  { text: "TILL 1" },
  { text: "d29", site: "s2", status: ["online", "unknown"] },
  { ids: ["d1", "d2", "d3", "nobody"], firmware: { min: "1.0.0" } },
  { ids: [] },
  { site: "\uD800" },
  { tags: ["\uD800"] },
];

describe("pages of many devices", () => {
  let sqlite: Registry;
  let memory: Registry;

  beforeAll(async () => {
    sqlite = await openSqliteRegistry(join(folder, "fleet.db"));
    memory = createMemoryRegistry();
    for (const registry of [sqlite, memory]) {
      await registry.devices.put(rows);
      await registry.devices.observe(seen);
    }
  });

  afterAll(async () => {
    await sqlite[Symbol.asyncDispose]();
    await memory[Symbol.asyncDispose]();
  });

  it.each([{ tags: ["even", "rare"] }, { tags: ["even", "rare"], site: "s1" }, { tags: ["rare", "even"] }])(
    "of %j begin with the tag that few have, wherever it stands",
    async (filter) => {
      const asked = vi.spyOn(Connection.prototype, "all");
      await sqlite.devices.page(filter, { limit: 5 });
      const pages = asked.mock.calls.filter(([sql]) => sql.includes("ORDER BY"));
      expect(pages.map(([sql, tag]) => [/FROM (\w+)/.exec(sql)?.[1], tag])).toEqual([["device_tag", "rare"]]);
    },
  );

  it.each<DeviceFilter>([
    { site: "s1", group: "few" },
    { group: "few", site: "s1", status: "online" },
    { group: "few", site: "s1", tags: ["even"] },
  ])("of %j begin with the group that few are of", async (filter) => {
    const asked = vi.spyOn(Connection.prototype, "all");
    await sqlite.devices.page(filter, { limit: 5 });
    const pages = asked.mock.calls.filter(([sql]) => sql.includes("ORDER BY"));
    expect(pages.map(([sql]) => /INDEXED BY (\w+)/.exec(sql)?.[1])).toEqual(["device_group"]);
  });

  it.each(filters.map((filter) => [JSON.stringify(filter), filter] as const))(
    "of %s are those in memory",
    async (_, filter) => {
      for (const limit of [7, 1_000]) {
        const [found, expected] = await Promise.all(
          [sqlite, memory].map(async ({ devices }) => {
            const page = (after: string | undefined) => devices.page(filter, { limit, ...(after && { after }) });
            return (await readAll(page, limit)).items.map(({ id, firmware, lastSeen }) => ({ id, firmware, lastSeen }));
          }),
        );
        expect(found).toEqual(expected);
      }
      const offset = { offset: 3, limit: 5 };
      const [found, expected] = await Promise.all([sqlite, memory].map(({ devices }) => devices.page(filter, offset)));
      expect(found?.items.map(({ id }) => id)).toEqual(expected?.items.map(({ id }) => id));
      expect(found?.next === undefined).toBe(expected?.next === undefined);
    },
  );
});
