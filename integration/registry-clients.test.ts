import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import type { Registry } from "../src/core/registry.ts";
import { createMemoryRegistry } from "../src/registry/memory/index.ts";
import { openPostgresRegistry } from "../src/registry/postgres/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { describePostgres, startPostgres } from "./peers/postgres.ts";
import { runClients } from "./registry-clients.ts";
import { startOf, violationsOf } from "./registry-integrity.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-clients-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function expectSound(registry: Registry): Promise<void> {
  const start = await startOf(registry);
  const report = await runClients(registry, { clients: 50, isOver: (operations) => operations >= 3_000 });
  expect(report).toEqual({ operations: expect.any(Number), errors: [], violations: [] });
  expect(report.operations).toBeGreaterThanOrEqual(3_000);
  const { overrides, profiles } = await registry.profiles.metrics();
  expect([profiles, overrides]).toEqual([1, { fleet: 0, group: 0, device: 50 }]);
  expect(await violationsOf(registry, start)).toEqual([]);
}

describe("fifty clients at once find nothing wrong, and leave nothing wrong", () => {
  it("in memory", async () => {
    await using registry = createMemoryRegistry();
    await expectSound(registry);
  });

  it("in a file", async () => {
    const path = join(folder, "fleet.db");
    await using registry = await openSqliteRegistry(path);
    await expectSound(registry);
    using file = new DatabaseSync(path);
    expect(file.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    expect(file.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  });

  describePostgres("in PostgreSQL", () => {
    it("by one process and pool", { timeout: 120_000 }, async () => {
      await using server = await startPostgres();
      await using registry = await openPostgresRegistry(server.url());
      await expectSound(registry);
    });
  });

  it("would have been found out", async () => {
    await using registry = createMemoryRegistry();
    const start = await startOf(registry);
    await runClients(registry, { clients: 2, isOver: (operations) => operations >= 40 });
    // A feed that forgets a row, a page that leaves one out, and counters that are off by one.
    const forgetful: Registry = {
      ...registry,
      devices: {
        ...registry.devices,
        page: async (...query) => ({ ...(await registry.devices.page(...query)), items: [] }),
      },
      profiles: {
        ...registry.profiles,
        changes: async (...query) => ({ ...(await registry.profiles.changes(...query)), changes: [] }),
        metrics: async () => ({ ...(await registry.profiles.metrics()), items: 7 }),
      },
    };
    const found = (await violationsOf(forgetful, start)).join("\n");
    for (const sign of [
      /device c0-own is at undefined/,
      /profile shared is at/,
      /refers to what is not/,
      /counters say/,
    ]) {
      expect(found).toMatch(sign);
    }
    const stale: Registry = { ...registry, devices: { ...registry.devices, getMany: async () => new Map() } };
    const report = await runClients(stale, { clients: 2, isOver: (operations) => operations >= 40 });
    expect(report.violations.length).toBeGreaterThan(0);
  });
});
