import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { Connection } from "../../store/sqlite/connection.ts";
import { device } from "../driver.suite.ts";
import { openSqliteRegistry } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-drivers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is found by counts that are remembered for a hundred revisions, whoever raised them", async () => {
  const path = join(folder, "fleet.db");
  await using registry = await openSqliteRegistry(path);
  await using other = await openSqliteRegistry(path);
  const put = (to: typeof registry, site: string, from: number, count: number) =>
    to.devices.put(
      Array.from({ length: count }, (_, i) => device(`${site}${from + i}`, { site, group: "g", tags: [site] })),
    );
  const asked = vi.spyOn(Connection.prototype, "all");
  const counted = vi.spyOn(Connection.prototype, "get");
  const page = async (): Promise<readonly [counts: number, index: string | undefined]> => {
    asked.mockClear();
    counted.mockClear();
    await registry.devices.page({ site: "a", group: "g" });
    const counts = counted.mock.calls.filter(([sql]) => sql.includes("count(*)")).length;
    return [counts, /INDEXED BY (\w+)/.exec(asked.mock.calls.map(([sql]) => sql).join())?.[1]];
  };
  await put(registry, "a", 0, 5);
  await put(registry, "b", 0, 20);
  expect(await page()).toEqual([2, "device_site"]);
  expect(await page()).toEqual([0, "device_site"]);
  await put(other, "b", 0, 20); // again: nobody moved
  await registry.devices.remove(Array.from({ length: 20 }, (_, i) => `b${i}`));
  await put(other, "a", 5, 59);
  expect(await page()).toEqual([0, "device_site"]); // 99 revisions later
  await put(other, "c", 0, 1);
  expect(await page()).toEqual([2, "device_site"]);
  await other.devices.put(Array.from({ length: 101 }, (_, i) => device(`a${i % 64}`, { site: "a" })));
  expect(await page()).toEqual([2, "device_group"]); // which c0 alone is left of
});
