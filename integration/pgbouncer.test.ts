// The shared store behind a pooler that lends the server's connections out: for a session, or for a transaction.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { device } from "../src/registry/driver.suite.ts";
import { openPostgresRegistry, type PostgresRegistry } from "../src/registry/postgres/index.ts";
import { fill, readAll, writeAll } from "../src/registry/statements.suite.ts";
import { describePeer } from "./peers/peer.ts";
import { startPooler } from "./peers/pgbouncer.ts";
import { describePostgres, type PostgresServer, startPostgres } from "./peers/postgres.ts";

describePeer("PgBouncer", ["pgbouncer"], ({ pgbouncer }) => {
  describePostgres("a fleet in PostgreSQL", () => {
    const artifacts = mkdtempSync(join(tmpdir(), "flashwave-pooled-"));
    let server: PostgresServer;

    beforeAll(async () => {
      server = await startPostgres();
    }, 120_000);
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      rmSync(artifacts, { recursive: true, force: true });
    });

    /** Everything that can be asked of a registry, and writes of two that meet. */
    async function use(one: PostgresRegistry, other: PostgresRegistry): Promise<void> {
      const start = await fill(one, 200);
      await Promise.all([readAll(one, start), readAll(other, start)]);
      await writeAll(one);
      const registries = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : other));
      const puts = await Promise.all(registries.map(({ devices }, i) => devices.put([device(`pooled${i}`)])));
      const revisions = puts.flat().map((result) => "revision" in result && result.revision);
      expect(new Set(revisions).size).toBe(40);
      expect((await other.devices.page({ text: "pooled" }, { limit: 100 })).items).toHaveLength(40);
      // By now they know whether statements can be named: none is asked twice.
      for (const registry of [one, other]) {
        const before = registry.statistics().statements;
        await registry.devices.getMany(["pooled1"]);
        await registry.profiles.metrics();
        await registry.reports.page({ kind: "log" });
        expect(registry.statistics().statements - before).toBe(3);
      }
    }

    it.each([
      // Each of a registry's connections has one of the server's for as long as it lasts.
      ["session", 20],
      // All share one, on which each finds the statements that others have named.
      ["transaction", 1],
      // Whatever takes more than one statement in a transaction would be refused: nothing of ours does.
      ["statement", 1],
    ] as const)("is worked with as without one, pooled by %s", { timeout: 60_000 }, async (mode, connections) => {
      await using pooler = await startPooler(pgbouncer, server, mode, connections);
      const open = () => openPostgresRegistry(pooler.url, { fleet: mode, artifacts });
      await using one = await open();
      await using other = await open();
      await use(one, other);
    });
  });
});
